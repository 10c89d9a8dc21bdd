#include "convert.h"
#include "mlx/compile_impl.h"

// The only file that calls JavaScript back. MLX traces a function by calling it during the native call, on this thread.

namespace cygnet {
namespace {

using Arrays = std::vector<mx::array>;
using Function = std::function<Arrays(const Arrays&)>;

// Holds a JavaScript function for as long as a graph may call it.
class Reference {
 public:
  Reference(std::shared_ptr<Context> context, napi_value value) : context_(std::move(context)) {
    napi_create_reference(context_->env, value, 1, &reference_);
  }
  ~Reference() {
    std::lock_guard lock(context_->dropped_mutex);
    context_->dropped.push_back(reference_);
  }
  Reference(const Reference&) = delete;

  napi_value value() const {
    napi_value out;
    napi_get_reference_value(context_->env, reference_, &out);
    return out;
  }
  Context& context() const { return *context_; }

 private:
  std::shared_ptr<Context> context_;
  napi_ref reference_;
};

// A JavaScript function of lists of tensors, each argument list one parameter.
class JsFunction {
 public:
  JsFunction(Context& c, napi_value function)
      : reference_(std::make_shared<Reference>(context_of(c.env), function)) {}

  template <typename... Lists>
  Arrays operator()(const Lists&... lists) const {
    Context& c = reference_->context();
    napi_handle_scope scope;
    napi_open_handle_scope(c.env, &scope);
    try {
      napi_value arguments[] = {To<Arrays>::js(c, lists)...};
      napi_value undefined, result;
      napi_get_undefined(c.env, &undefined);
      check(napi_call_function(c.env, undefined, reference_->value(), sizeof...(lists), arguments, &result), "a function");
      Arrays outputs = From<Arrays>::get(c, result);
      napi_close_handle_scope(c.env, scope);
      return outputs;
    } catch (...) {
      napi_close_handle_scope(c.env, scope);
      throw;
    }
  }

 private:
  std::shared_ptr<Reference> reference_;
};

std::pair<Arrays, Arrays> value_and_grad(Context& c, napi_value function, Arrays inputs, int differentiated) {
  c.delete_dropped_references();
  std::vector<int> argnums(differentiated);
  for (int i = 0; i < differentiated; i++) argnums[i] = i;
  JsFunction traced(c, function);
  return mx::value_and_grad(Function([traced](const Arrays& x) { return traced(x); }), argnums)(inputs);
}

std::pair<Arrays, Arrays> vjp(Context& c, napi_value function, Arrays primals, Arrays cotangents) {
  c.delete_dropped_references();
  JsFunction traced(c, function);
  return mx::vjp(Function([traced](const Arrays& x) { return traced(x); }), primals, cotangents);
}

Arrays checkpoint(Context& c, napi_value function, Arrays inputs) {
  JsFunction traced(c, function);
  return mx::checkpoint([traced](const Arrays& x) { return traced(x); })(inputs);
}

Arrays custom_vjp(Context& c, napi_value function, napi_value gradient, Arrays inputs) {
  JsFunction traced(c, function);
  JsFunction traced_gradient(c, gradient);
  return mx::custom_vjp(
      [traced](const Arrays& x) { return traced(x); },
      [traced_gradient](const Arrays& primals, const Arrays& cotangents, const Arrays& outputs) {
        return traced_gradient(primals, cotangents, outputs);
      })(inputs);
}

napi_value call_compiled(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  void* data;
  napi_get_cb_info(env, info, &count, &argument, nullptr, &data);
  return guarded(env, [&]() -> napi_value {
    Context& c = context_ref(env);
    return To<Arrays>::js(c, (*static_cast<Function*>(data))(From<Arrays>::get(c, argument)));
  });
}

// A JavaScript function that runs the compiled graph of `function`; it traces again for new shapes and dtypes.
napi_value compile(Context& c, napi_value function, bool shapeless) {
  JsFunction traced(c, function);
  auto* compiled = new Function(mx::compile(Function([traced](const Arrays& x) { return traced(x); }), shapeless));
  napi_value out;
  napi_create_function(c.env, "compiled", NAPI_AUTO_LENGTH, call_compiled, compiled, &out);
  napi_add_finalizer(
      c.env, out, compiled, [](napi_env, void* data, void*) { delete static_cast<Function*>(data); }, nullptr, nullptr);
  return out;
}

// Waits on a pool thread for arrays that this thread has started to evaluate: the event loop stays free.
struct Wait {
  Arrays arrays;
  napi_deferred deferred;
  napi_async_work work;
  std::string error;
};

void wait_for_arrays(napi_env, void* data) {
  auto* wait = static_cast<Wait*>(data);
  try {
    for (mx::array& a : wait->arrays) a.wait();
  } catch (const std::exception& error) {
    wait->error = error.what();
  }
}

void settle(napi_env env, napi_status, void* data) {
  std::unique_ptr<Wait> wait(static_cast<Wait*>(data));
  napi_value value;
  if (wait->error.empty()) {
    napi_get_undefined(env, &value);
    napi_resolve_deferred(env, wait->deferred, value);
  } else {
    napi_value message;
    napi_create_string_utf8(env, wait->error.data(), wait->error.size(), &message);
    napi_create_error(env, nullptr, message, &value);
    napi_reject_deferred(env, wait->deferred, value);
  }
  napi_delete_async_work(env, wait->work);
}

napi_value async_eval(Context& c, Arrays arrays) {
  c.delete_dropped_references();
  mx::async_eval(arrays);
  auto wait = std::make_unique<Wait>();
  wait->arrays = std::move(arrays);
  napi_value promise, name;
  napi_create_promise(c.env, &wait->deferred, &promise);
  napi_create_string_utf8(c.env, "cygnet.asyncEval", NAPI_AUTO_LENGTH, &name);
  napi_create_async_work(c.env, nullptr, name, wait_for_arrays, settle, wait.get(), &wait->work);
  napi_queue_async_work(c.env, wait.release()->work);
  return promise;
}

}  // namespace

void register_transforms(Exports& exports) {
  exports.op("eval", [](Context& c, Arrays arrays) {
    c.delete_dropped_references();
    mx::eval(std::move(arrays));
  });
  exports.op("asyncEval", async_eval);
  exports.op("valueAndGrad", value_and_grad);
  exports.op("vjp", vjp);
  exports.op("checkpoint", checkpoint);
  exports.op("customVjp", custom_vjp);
  exports.op("compile", compile);
}

}  // namespace cygnet
