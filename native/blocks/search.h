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

// Inverse scales: (first + step · s + most) / (high − low) for s = 0 … steps, where low is the minimum of the best so far. It may
// lie beyond the group, so that levels are rounded as ggml does it for numbers of any size.
//
// Each step waits for the one before, so that several groups go side by side. x, w: [groups, n].
template <int n, bool absolute, int groups>
static void find_lines(const V* x, const V* w, int most, float first, float step, int steps, Line* lines) {
  V high[groups], sum_w[groups], sum_x[groups], least[groups], q[groups * n];
  for (int g = 0; g < groups; g++) {
    const V *xs = x + g * n, *ws = w + g * n;
    V low = high[g] = xs[0];
    sum_w[g] = ws[0];
    sum_x[g] = ws[0] * xs[0];
    for (int i = 1; i < n; i++) {
      low = less_of(xs[i], low);
      high[g] = greater_of(xs[i], high[g]);
      sum_w[g] += ws[i];
      sum_x[g] += ws[i] * xs[i];
    }
    low = pick(low > 0, V{}, low);
    const V inverse = static_cast<float>(most) / (high[g] - low);
    lines[g] = {1.0f / inverse, low, inverse, low, high[g] == low};
    for (int i = 0; i < n; i++) q[g * n + i] = nearest_within(inverse * (xs[i] - low), 0, most);
  }

  V scale[groups], min[groups], error[groups];
  const auto measure = [&]() __attribute__((always_inline)) {
    for (int g = 0; g < groups; g++) error[g] = V{};
    for (int i = 0; i < n; i++) {
#pragma GCC unroll 4
      for (int g = 0; g < groups; g++) {
        const V off = scale[g] * q[g * n + i] + min[g] - x[g * n + i];
        error[g] += w[g * n + i] * (absolute ? magnitude(off) : off * off);
      }
    }
  };
  for (int g = 0; g < groups; g++) {
    scale[g] = lines[g].scale;
    min[g] = lines[g].min;
  }
  measure();
  for (int g = 0; g < groups; g++) least[g] = error[g];

  for (int s = 0; s <= steps; s++) {
    V inverse[groups], sum_q[groups]{}, sum_qq[groups]{}, sum_qx[groups]{}, det[groups];
    for (int g = 0; g < groups; g++) inverse[g] = (first + step * s + most) / (high[g] - lines[g].min);
    for (int i = 0; i < n; i++) {
#pragma GCC unroll 4
      for (int g = 0; g < groups; g++) {
        const int at = g * n + i;
        q[at] = nearest_within(inverse[g] * (x[at] - lines[g].min), 0, most);
        const V wq = w[at] * q[at];
        sum_q[g] += wq;
        sum_qq[g] += wq * q[at];
        sum_qx[g] += wq * x[at];
      }
    }
    for (int g = 0; g < groups; g++) {
      det[g] = sum_w[g] * sum_qq[g] - sum_q[g] * sum_q[g];
      scale[g] = (sum_w[g] * sum_qx[g] - sum_x[g] * sum_q[g]) / det[g];
      min[g] = (sum_qq[g] * sum_x[g] - sum_q[g] * sum_qx[g]) / det[g];
      const VI positive = min[g] > 0;
      scale[g] = pick(positive, sum_qx[g] / sum_qq[g], scale[g]);
      min[g] = pick(positive, V{}, min[g]);
    }
    measure();
    for (int g = 0; g < groups; g++) {
      Line& line = lines[g];
      const VI better = (det[g] > 0) & (error[g] < least[g]);
      least[g] = pick(better, error[g], least[g]);
      line.scale = pick(better, scale[g], line.scale);
      line.inverse = pick(better, inverse[g], line.inverse);
      line.low = pick(better, line.min, line.low);
      line.min = pick(better, min[g], line.min);
    }
  }
  for (int g = 0; g < groups; g++) {
    Line& line = lines[g];
    line.min = -pick(line.flat, line.low, line.min);
    line.scale = pick(line.flat, V{}, line.scale);
  }
}

INLINE V levels(const Line& line, V x, int most) {
  return pick(line.flat, V{}, nearest_within(line.inverse * (x - line.low), 0, most));
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

INLINE bool any(VI lanes) {
  int32_t of[W], all = 0;
  memcpy(of, &lanes, sizeof of);
  for (int i = 0; i < W; i++) all |= of[i];
  return all != 0;
}

// As find_slope with weights x², but it moves single q to where they fit the others best. Each move waits for the one before, so
// that several groups go side by side. x: [groups, n]; q: the same, + most, or 0 where the group is zero.
template <int n, int groups>
static void refine_slopes(const V* x, int most, V* q, V* scales) {
  VI nothing[groups];
  V sum_qx[groups], sum_qq[groups];
  for (int g = 0; g < groups; g++) {
    const V peak = peak_of<n>(x + g * n, &nothing[g]), inverse = -static_cast<float>(most) / peak;
    sum_qx[g] = sum_qq[g] = V{};
    for (int i = g * n; i < (g + 1) * n; i++) {
      const V w = x[i] * x[i];
      q[i] = within(whole(inverse * x[i]), -most, most - 1);
      sum_qx[g] += w * x[i] * q[i];
      sum_qq[g] += w * q[i] * q[i];
    }
  }
  VI moving = VI{} - 1;
  for (int round = 0; round < 5 && any(moving); round++) {
    moving = VI{};
    for (int i = 0; i < n; i++) {
#pragma GCC unroll 4
      for (int g = 0; g < groups; g++) {
        const V at = x[g * n + i], w = at * at, wx = w * at;
        V& level = q[g * n + i];
        V qx = sum_qx[g] - wx * level, qq = sum_qq[g] - w * level * level;
        const V moved = nearest_within(at * qq / qx, -most, most - 1);
        VI better = (qx > 0) & (moved != level);
        qx += wx * moved;
        qq += w * moved * moved;
        better &= (qq > 0) & (qx * qx * sum_qq[g] > sum_qx[g] * sum_qx[g] * qq);
        level = pick(better, moved, level);
        sum_qx[g] = pick(better, qx, sum_qx[g]);
        sum_qq[g] = pick(better, qq, sum_qq[g]);
        moving |= better & ~nothing[g];
      }
    }
  }
  for (int g = 0; g < groups; g++) {
    for (int i = g * n; i < (g + 1) * n; i++) q[i] = pick(nothing[g], V{}, q[i] + static_cast<float>(most));
    scales[g] = pick(nothing[g] | ~(sum_qq[g] > 0), V{}, sum_qx[g] / sum_qq[g]);
  }
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
