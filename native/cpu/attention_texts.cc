#include "attention.h"

namespace cygnet::cpu {
namespace {

// A job for each text, or the job itself.
std::vector<AttentionJob> jobs_of(const AttentionJob& job) {
  const Texts* texts = job.settings.texts.get();
  if (!texts) return {job};
  std::vector<AttentionJob> out;
  int first = 0;
  for (const Text& text : texts->all) {
    AttentionJob& each = out.emplace_back(job);
    each.settings.texts = nullptr;
    each.settings.offset = text.past;
    each.L = text.count;
    each.S = text.past + text.count;
    each.pages = text.pages.data();
    each.page = texts->page;
    for (HeadView* view : {&each.q, &each.k, &each.v, &each.out}) view->data += first * view->token;
    first += text.count;
  }
  return out;
}

}  // namespace

size_t attend_bytes(const AttentionJob& job) {
  size_t most = 0;
  for (const AttentionJob& each : jobs_of(job)) {
    if (!is_for_few(each)) most = std::max(most, attend_blockwise_bytes(each));
  }
  return most;
}

void attend(AttentionJob job, uint8_t* panels) {
  Scratch& scratch = Scratch::mine();
  Scratch::Frame frame(scratch);
  job.prepare_norms(scratch);
  std::vector<AttentionJob> few;
  for (AttentionJob& each : jobs_of(job)) {
    if (is_for_few(each)) {
      few.push_back(std::move(each));
      few.back().prepare(scratch);
    } else {
      Scratch::Frame inner(scratch);
      each.prepare(scratch);
      attend_blockwise(each, panels);
    }
  }
  attend_few(few);
}

}  // namespace cygnet::cpu
