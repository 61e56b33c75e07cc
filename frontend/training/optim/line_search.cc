#include "frontend/training/optim/line_search.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mica::internal {
namespace {

constexpr double kDecrease = 1e-4, kCurvature = 0.9;
constexpr int kMostEvaluations = 25;

// Where the cubic through two points with these slopes is least, between the bounds; the middle where it has no least.
double cubic_minimum(const LinePoint& a, const LinePoint& b, double low, double high) {
  const LinePoint &left = a.step <= b.step ? a : b, &right = a.step <= b.step ? b : a;
  double d1 = left.slope + right.slope - 3 * (left.value - right.value) / (left.step - right.step);
  double square = d1 * d1 - left.slope * right.slope;
  if (square < 0) return (low + high) / 2;
  double d2 = std::sqrt(square);
  double at = right.step - (right.step - left.step) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  return std::min(std::max(at, low), high);
}

class WolfeSearch {
 public:
  WolfeSearch(const std::function<LinePoint(double)>& evaluate, const LinePoint& start, double largest,
              double tolerance_change)
      : evaluate_(evaluate), start_(start), largest_(largest), tolerance_(tolerance_change) {}

  LineSearchResult run(double first) {
    LinePoint found = bracket(first) ? low() : zoom();
    return {found, evaluations_};
  }

 private:
  LinePoint at(double step) {
    ++evaluations_;
    return evaluate_(step);
  }
  bool decreases(const LinePoint& p) const { return p.value <= start_.value + kDecrease * p.step * start_.slope; }
  bool is_flat(const LinePoint& p) const { return std::abs(p.slope) <= -kCurvature * start_.slope; }

  // Makes the steps longer until a good one lies between two of them. True: one of them is good itself.
  bool bracket(double first) {
    LinePoint before = start_, now = at(first);
    for (int i = 0; i < kMostEvaluations; ++i) {
      if (!decreases(now) || (i > 1 && now.value >= before.value)) return set(before, now, false);
      if (is_flat(now)) return set(now, now, true);
      if (now.slope >= 0) return set(before, now, false);
      double least = now.step + 0.01 * (now.step - before.step), most = now.step * 10;
      double next = cubic_minimum(before, now, least, most);
      before = std::exchange(now, at(next));
    }
    searched_ = kMostEvaluations;
    return set(start_, now, false);
  }
  bool set(const LinePoint& a, const LinePoint& b, bool done) {
    ends_ = {a, b};
    searched_ = std::max(searched_, static_cast<int>(evaluations_) - 1);
    return done;
  }

  std::size_t low_index() const { return ends_[0].value <= ends_[1].value ? 0 : 1; }
  const LinePoint& low() const { return ends_[low_index()]; }

  // Narrows the bracket.
  LinePoint zoom() {
    bool slow = false;
    std::size_t best = low_index();
    for (; searched_ < kMostEvaluations; ++searched_) {
      double width = std::abs(ends_[1].step - ends_[0].step);
      if (width * largest_ < tolerance_) break;
      double left = std::min(ends_[0].step, ends_[1].step), right = std::max(ends_[0].step, ends_[1].step);
      double step = cubic_minimum(ends_[0], ends_[1], left, right), margin = 0.1 * (right - left);
      // Twice near an end is no progress: then away from it.
      if (std::min(right - step, step - left) < margin) {
        if (slow || step >= right || step <= left) {
          step = std::abs(step - right) < std::abs(step - left) ? right - margin : left + margin;
          slow = false;
        } else {
          slow = true;
        }
      } else {
        slow = false;
      }
      LinePoint now = at(step);
      LinePoint& worse = ends_[1 - best];
      if (!decreases(now) || now.value >= ends_[best].value) {
        worse = now;
        best = low_index();
        continue;
      }
      bool done = is_flat(now);
      if (!done && now.slope * (worse.step - ends_[best].step) >= 0) worse = ends_[best];
      ends_[best] = now;
      if (done) break;
    }
    return ends_[best];
  }

  const std::function<LinePoint(double)>& evaluate_;
  const LinePoint& start_;
  double largest_, tolerance_;
  std::array<LinePoint, 2> ends_;
  int searched_ = 0;
  std::int64_t evaluations_ = 0;
};

}  // namespace

LineSearchResult strong_wolfe(const std::function<LinePoint(double)>& evaluate, const LinePoint& start, double first,
                              double largest, double tolerance_change) {
  return WolfeSearch(evaluate, start, largest, tolerance_change).run(first);
}

}  // namespace mica::internal
