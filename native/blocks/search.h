#pragma once

#include "lanes.h"

// The searches for scales, W groups at once. Each tries scales around the one that the extremes give and keeps the one with the
// least weighted error; float operations are in the order that ggml has them.

namespace cygnet::cpu {
namespace CYGNET_ISA {

// importance · √(σ² + x²)
template <int n>
INLINE void weigh(const V* x, const V* importance, V variance, V* w) {
  for (int i = 0; i < n; i++) w[i] = importance[i] * square_root(variance + x[i] * x[i]);
}

template <int n>
INLINE V sum_of(const V* w) {
  V sum{};
  for (int i = 0; i < n; i++) sum += w[i];
  return sum;
}

template <int n>
INLINE V sum_of_squares(const V* x) {
  V sum{};
  for (int i = 0; i < n; i++) sum += x[i] * x[i];
  return sum;
}

// x ≈ scale · q − min, q = within(nearest(inverse · (x − low)), 0, most), or 0 where the group is flat.
struct Line {
  V scale, min, inverse, low;
  VI flat;
};

template <int n, bool absolute>
INLINE V line_error(const V* x, const V* w, const V* q, V scale, V min) {
  V error{};
  for (int i = 0; i < n; i++) {
    const V off = scale * q[i] + min - x[i];
    error += w[i] * (absolute ? magnitude(off) : off * off);
  }
  return error;
}

INLINE V level_on(V inverse, V above, float most) { return to_floats(within(nearest(inverse * above), 0, static_cast<int>(most))); }

// Inverse scales: (first + step · s + most) / (high − low) for s = 0 … steps, where low is the minimum of the best so far. It may
// lie beyond the group, so that levels are rounded as ggml does it for numbers of any size.
template <int n, bool absolute>
static Line find_line(const V* x, const V* w, float most, float first, float step, int steps) {
  V low = x[0], high = x[0], sum_w = w[0], sum_x = w[0] * x[0];
  for (int i = 1; i < n; i++) {
    low = pick(x[i] < low, x[i], low);
    high = pick(x[i] > high, x[i], high);
    sum_w += w[i];
    sum_x += w[i] * x[i];
  }
  low = pick(low > 0, V{}, low);
  const V inverse = most / (high - low);
  Line line{1.0f / inverse, low, inverse, low, high == low};
  V q[n];
  for (int i = 0; i < n; i++) q[i] = level_on(inverse, x[i] - low, most);
  V least = line_error<n, absolute>(x, w, q, line.scale, line.min);

  for (int s = 0; s <= steps; s++) {
    const V from = line.min, inverse = (first + step * s + most) / (high - from);
    V sum_q{}, sum_qq{}, sum_qx{};
    for (int i = 0; i < n; i++) {
      q[i] = level_on(inverse, x[i] - from, most);
      const V wq = w[i] * q[i];
      sum_q += wq;
      sum_qq += wq * q[i];
      sum_qx += wq * x[i];
    }
    const V det = sum_w * sum_qq - sum_q * sum_q;
    V scale = (sum_w * sum_qx - sum_x * sum_q) / det, min = (sum_qq * sum_x - sum_q * sum_qx) / det;
    const VI positive = min > 0;
    scale = pick(positive, sum_qx / sum_qq, scale);
    min = pick(positive, V{}, min);
    const V error = line_error<n, absolute>(x, w, q, scale, min);
    const VI better = (det > 0) & (error < least);
    least = pick(better, error, least);
    line.scale = pick(better, scale, line.scale);
    line.min = pick(better, min, line.min);
    line.inverse = pick(better, inverse, line.inverse);
    line.low = pick(better, from, line.low);
  }
  line.scale = pick(line.flat, V{}, line.scale);
  line.min = -pick(line.flat, low, line.min);
  return line;
}

INLINE V levels(const Line& line, V x, float most) {
  return pick(line.flat, V{}, level_on(line.inverse, x - line.low, most));
}

// x ≈ scale · q, q = within(whole(inverse · x), −most, most − 1).
struct Slope {
  V scale, inverse;
  VI nothing;  // the group is zero
};

// The element of the greatest magnitude, the first of equals, and where that is nothing.
template <int n>
INLINE V peak_of(const V* x, VI* nothing) {
  V most{}, peak{};
  for (int i = 0; i < n; i++) {
    const V size = magnitude(x[i]);
    peak = pick(size > most, x[i], peak);
    most = pick(size > most, size, most);
  }
  *nothing = most < kNothing;
  return peak;
}

template <int n>
static Slope find_slope(const V* x, const V* w, float most) {
  Slope slope;
  const V peak = peak_of<n>(x, &slope.nothing);
  V wx[n], sum_qx, sum_qq;
  for (int i = 0; i < n; i++) wx[i] = w[i] * x[i];
  const auto measure = [&](V inverse) __attribute__((always_inline)) {
    sum_qx = sum_qq = V{};
    for (int i = 0; i < n; i++) {
      const V q = within(whole(inverse * x[i]), -most, most - 1);
      sum_qx += wx[i] * q;
      sum_qq += w[i] * q * q;
    }
  };
  slope.inverse = -most / peak;
  measure(slope.inverse);
  slope.scale = pick(sum_qq != 0, sum_qx / sum_qq, V{});
  V best = slope.scale * sum_qx;
  for (int s = -9; s <= 9; s++) {
    if (s == 0) continue;
    const V inverse = -(most + 0.1f * s) / peak;
    measure(inverse);
    const VI better = (sum_qq > 0) & (sum_qx * sum_qx > best * sum_qq);
    slope.inverse = pick(better, inverse, slope.inverse);
    slope.scale = pick(better, sum_qx / sum_qq, slope.scale);
    best = pick(better, slope.scale * sum_qx, best);
  }
  slope.scale = pick(slope.nothing, V{}, slope.scale);
  return slope;
}

// q + most, or 0 where the group is zero
INLINE V levels(const Slope& slope, V x, float most) {
  return pick(slope.nothing, V{}, within(whole(slope.inverse * x), -most, most - 1) + most);
}

// As find_slope with weights x², but it moves single q to where they fit the others best. q: + most, or 0 where the group is zero.
template <int n>
static V refine_slope(const V* x, int most, V* q) {
  VI nothing;
  const V peak = peak_of<n>(x, &nothing), inverse = -static_cast<float>(most) / peak;
  V sum_qx{}, sum_qq{};
  for (int i = 0; i < n; i++) {
    const V w = x[i] * x[i];
    q[i] = within(whole(inverse * x[i]), -most, most - 1);
    sum_qx += w * x[i] * q[i];
    sum_qq += w * q[i] * q[i];
  }
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < n; i++) {
      const V w = x[i] * x[i], wx = w * x[i];
      V qx = sum_qx - wx * q[i], qq = sum_qq - w * q[i] * q[i];
      const V moved = to_floats(within(nearest(x[i] * qq / qx), -most, most - 1));
      VI better = (qx > 0) & (moved != q[i]);
      qx += wx * moved;
      qq += w * moved * moved;
      better &= (qq > 0) & (qx * qx * sum_qq > sum_qx * sum_qx * qq);
      q[i] = pick(better, moved, q[i]);
      sum_qx = pick(better, qx, sum_qx);
      sum_qq = pick(better, qq, sum_qq);
    }
  }
  for (int i = 0; i < n; i++) q[i] = pick(nothing, V{}, q[i] + static_cast<float>(most));
  return pick(nothing | ~(sum_qq > 0), V{}, sum_qx / sum_qq);
}

// Positive x ≈ scale · q, q up to `most`, for the scales of a super-block. ggml keeps q in a byte, so that it is cut to one here.
template <int n>
static V find_positive_slope(const V* x, const V* w, int most, VI* q) {
  V peak{};
  for (int i = 0; i < n; i++) peak = pick(peak > x[i], peak, x[i]);
  const VI nothing = peak < kNothing;
  const auto at_most = [&](VI v) __attribute__((always_inline)) { return v < most ? v : VI{} + most; };
  V inverse = static_cast<float>(most) / peak;
  V scale = 1.0f / inverse, least{};
  for (int i = 0; i < n; i++) {
    const V off = x[i] - scale * to_floats(nearest(inverse * x[i]) & 255);
    least += w[i] * off * off;
  }
  for (int s = -4; s <= 4; s++) {
    if (s == 0) continue;
    const V tried = (0.1f * s + most) / peak;
    scale = 1.0f / tried;
    V error{};
    for (int i = 0; i < n; i++) {
      const V off = x[i] - scale * to_floats(at_most(nearest(tried * x[i])));
      error += w[i] * off * off;
    }
    inverse = pick(error < least, tried, inverse);
    least = pick(error < least, error, least);
  }
  V sum_qx{}, sum_qq{};
  for (int i = 0; i < n; i++) {
    const VI level = at_most(nearest(inverse * x[i]));
    const V real = to_floats(level);
    q[i] = level & 255;
    sum_qx += w[i] * x[i] * real;
    sum_qq += w[i] * real * real;
  }
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < n; i++) {
      const V wx = w[i] * x[i], now = to_floats(q[i]);
      V qx = sum_qx - wx * now, qq = sum_qq - w[i] * now * now;
      const VI moved = at_most(nearest(x[i] * qq / qx));
      const V real = to_floats(moved);
      VI better = (qx > 0) & (qq > 0) & (moved != q[i]);
      qx += wx * real;
      qq += w[i] * real * real;
      better &= qx * qx * sum_qq > sum_qx * sum_qx * qq;
      q[i] = better ? moved & 255 : q[i];
      sum_qx = pick(better, qx, sum_qx);
      sum_qq = pick(better, qq, sum_qq);
    }
  }
  for (int i = 0; i < n; i++) q[i] = nothing ? VI{} : q[i];
  return pick(nothing | ~(sum_qq > 0), V{}, sum_qx / sum_qq);
}

}  // namespace CYGNET_ISA
}  // namespace cygnet::cpu
