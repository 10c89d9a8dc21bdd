import type { Weights } from "../core/safetensors.ts";
import { keep } from "../core/scope.ts";
import { Tensor } from "../core/tensor.ts";
import { UserError } from "../protocol/user-error.ts";

/**
 * A layer or a model: its enumerable fields that are tensors are its parameters, those that are modules or lists of
 * modules its children. A parameter's path joins field names, `model.layers.0.self_attn.q_proj.weight`, as in checkpoints.
 * Tensors in #private fields are not parameters.
 *
 * A module owns its parameters: what replaces one frees it.
 */
export abstract class Module {
  #frozen = new Set<string>();
  #training = false;

  /** Own parameters and children, in field order. */
  *members(): Generator<[name: string, member: Tensor | Module]> {
    for (const [name, value] of Object.entries(this)) {
      if (value instanceof Tensor || value instanceof Module) yield [name, value];
      else if (Array.isArray(value)) {
        for (const [index, item] of value.entries()) if (item instanceof Module) yield [`${name}.${index}`, item];
      }
    }
  }

  /** This module and everything below it, with paths; children before later siblings. */
  *modules(prefix = ""): Generator<[path: string, module: Module]> {
    yield [prefix, this];
    for (const [name, member] of this.members()) {
      if (member instanceof Module) yield* member.modules(prefix ? `${prefix}.${name}` : name);
    }
  }

  parameters(): Weights {
    return this.#collect(() => true);
  }

  /** The parameters that training changes: those not frozen. */
  trainableParameters(): Weights {
    return this.#collect((module, name) => !module.#frozen.has(name));
  }

  #collect(include: (module: Module, name: string) => boolean): Weights {
    const found: Weights = {};
    for (const [path, module] of this.modules()) {
      for (const [name, member] of module.members()) {
        if (member instanceof Tensor && include(module, name)) found[path ? `${path}.${name}` : name] = member;
      }
    }
    return found;
  }

  /** Excludes every parameter of this module and those below from training. */
  freeze(): this {
    for (const [, module] of this.modules()) {
      for (const [name, member] of module.members()) if (member instanceof Tensor) module.#frozen.add(name);
    }
    return this;
  }

  /** Includes every parameter of this module and those below in training. */
  unfreeze(): this {
    for (const [, module] of this.modules()) module.#frozen.clear();
    return this;
  }

  get training(): boolean {
    return this.#training;
  }

  /** Training mode switches dropout on, here and below. */
  train(mode = true): this {
    for (const [, module] of this.modules()) module.#training = mode;
    return this;
  }

  /** The module at `path`, or undefined. */
  find(path: string): Module | undefined {
    const found = walk(this, path === "" ? [] : path.split("."));
    return found instanceof Module ? found : undefined;
  }

  /** Puts `child` in the place of the module at `path`, which must exist. */
  replace(path: string, child: Module): void {
    const [owner, name] = this.#place(path);
    Reflect.set(owner, name, child);
  }

  /** Takes the parameters over by path, freeing those they replace. */
  update(parameters: Weights): void {
    for (const [path, tensor] of Object.entries(parameters)) {
      const [owner, name] = this.#place(path);
      const previous: unknown = Reflect.get(owner, name);
      Reflect.set(owner, name, keep(tensor));
      if (previous instanceof Tensor && previous !== tensor) previous.dispose();
    }
  }

  /** Runs `body` with other tensors standing in for parameters; puts the parameters back even after a throw. */
  withParameters<T>(replacements: Weights, body: () => T): T {
    const places = Object.keys(replacements).map((path) => this.#place(path));
    const originals = places.map(([owner, name]): unknown => Reflect.get(owner, name));
    const tensors = Object.values(replacements);
    try {
      places.forEach(([owner, name], i) => void Reflect.set(owner, name, tensors[i]));
      return body();
    } finally {
      places.forEach(([owner, name], i) => void Reflect.set(owner, name, originals[i]));
    }
  }

  /**
   * Takes weights by path.
   * @throws UserError naming weights that are missing, have no place in the model, or have another shape; nothing changes then.
   */
  loadWeights(weights: Weights, { source, strict = true }: { source: string; strict?: boolean }): void {
    const own = this.parameters();
    const missing = strict ? Object.keys(own).filter((path) => !(path in weights)) : [];
    const unexpected = Object.keys(weights).filter((path) => !(path in own));
    const misshapen = Object.entries(weights).flatMap(([path, tensor]) => {
      const expected = own[path];
      return expected && String(expected.shape) !== String(tensor.shape)
        ? [`${path} [${tensor.shape}], expected [${expected.shape}]`]
        : [];
    });
    if (missing.length + unexpected.length + misshapen.length > 0) {
      throw new UserError("model/weights-mismatch", { source, missing, unexpected, misshapen });
    }
    this.update(weights);
  }

  /** Frees every parameter, and what modules below own besides. The module is of no use afterwards. */
  dispose(): void {
    for (const [, member] of this.members()) member.dispose();
  }

  /** The object or list that holds the field at the end of `path`, and the field's name. */
  #place(path: string): [object, string] {
    const parts = path.split(".");
    const name = parts.pop() ?? "";
    const owner = walk(this, parts);
    if (!isObject(owner) || !Reflect.has(owner, name)) throw new Error(`no parameter or module at ${path}`);
    return [owner, name];
  }
}

function walk(from: unknown, parts: readonly string[]): unknown {
  return parts.reduce((value, part) => (isObject(value) ? Reflect.get(value, part) : undefined), from);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
