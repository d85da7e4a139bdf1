// einsum: labels, and the contractions that they ask for.
#include <algorithm>
#include <map>
#include <set>

#include "tf2jax/base/shown.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/reduce.h"
#include "tf2jax/ops/rule_makers.h"
#include "tf2jax/ops/shape_ops.h"

namespace tf2jax {

namespace {

// An operand with one label per axis.
struct Labelled {
  Array value;
  std::string labels;
};

// Sums over labels that neither the output nor another operand needs, and takes diagonals of repeated labels.
Labelled simplify(Labelled x, const std::set<char>& needed) {
  for (std::size_t i = 0; i < x.labels.size();) {
    const std::size_t j = x.labels.find(x.labels[i], i + 1);
    if (j == std::string::npos) {
      ++i;
      continue;
    }
    const auto a = static_cast<std::int64_t>(i), b = static_cast<std::int64_t>(j);
    const Shape& s = x.value.shape();
    check<ShapeError>(identical(s[i], s[j]), "einsum: a label has two sizes in one operand. Got '{}' with {} and {}.",
                      x.labels[i], s[i], s[j]);
    const Array on = equal(iota(DType::i32, s, a), iota(DType::i32, s, b));
    x.value = reduce_sum(select(on, x.value, zeros_like(x.value)), {b});
    x.labels.erase(j, 1);
  }
  Axes summed;
  std::string kept;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    if (needed.count(x.labels[i])) kept += x.labels[i];
    else summed.push_back(static_cast<std::int64_t>(i));
  }
  if (!summed.empty()) x.value = reduce_sum(x.value, summed);
  return {x.value, kept};
}

Labelled contract_pair(const Labelled& x, const Labelled& y, const std::set<char>& needed) {
  DotDims d;
  std::string batch, x_free, y_free;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    const char c = x.labels[i];
    const std::size_t j = y.labels.find(c);
    if (j == std::string::npos) {
      x_free += c;
    } else if (needed.count(c)) {
      batch += c;
      d.lhs_batch.push_back(static_cast<std::int64_t>(i));
      d.rhs_batch.push_back(static_cast<std::int64_t>(j));
    } else {
      d.lhs_contract.push_back(static_cast<std::int64_t>(i));
      d.rhs_contract.push_back(static_cast<std::int64_t>(j));
    }
  }
  for (const char c : y.labels)
    if (x.labels.find(c) == std::string::npos) y_free += c;
  return {dot_general(x.value, y.value, d, x.value.dtype()), batch + x_free + y_free};
}

// The terms of "ab,bc->ac", and its output where there is one.
struct Terms {
  std::vector<std::string> in;
  std::optional<std::string> out;
};

Terms read_terms(std::string_view specification) {
  std::string spec;
  for (const char c : specification)
    if (c != ' ') spec += c;
  const std::size_t arrow = spec.find("->");
  Terms terms{{""}, {}};
  for (const char c : spec.substr(0, arrow)) {
    if (c == ',') terms.in.emplace_back();
    else terms.in.back() += c;
  }
  if (arrow != std::string::npos) terms.out = spec.substr(arrow + 2);
  return terms;
}

constexpr std::string_view kEllipsis = "...";
bool has_ellipsis(const std::string& term) { return term.find(kEllipsis) != std::string::npos; }

// An ellipsis stands for labels 1, 2, …, which no text has, aligned at the right.
class Ellipsis {
 public:
  Ellipsis(std::string_view specification, const std::vector<std::string>& terms, std::span<const Array> operands) {
    std::int64_t most = 0;
    for (std::size_t i = 0; i < terms.size(); ++i) {
      const bool dots = has_ellipsis(terms[i]);
      const auto named = static_cast<std::int64_t>(terms[i].size() - (dots ? kEllipsis.size() : 0));
      const std::int64_t rank = operands[i].rank();
      check<ShapeError>(dots ? named <= rank : named == rank,
                        "einsum '{}': a term does not fit its operand. Got '{}' for {}.", specification, terms[i],
                        operands[i].aval());
      if (dots) most = std::max(most, rank - named);
    }
    for (std::int64_t i = 0; i < most; ++i) labels_ += static_cast<char>(1 + i);
  }
  static bool is_label(char c) { return c < 32; }
  const std::string& labels() const { return labels_; }

  // The labels of a term: of an operand of that rank, or of the output, which has them all.
  std::string expand(std::string term, std::optional<std::int64_t> rank = {}) const {
    const std::size_t at = term.find(kEllipsis);
    if (at == std::string::npos) return term;
    const std::size_t count = rank ? *rank - (term.size() - kEllipsis.size()) : labels_.size();
    return term.replace(at, kEllipsis.size(), labels_.substr(labels_.size() - count));
  }

 private:
  std::string labels_;
};

// Without an arrow: the ellipsis, then the labels that occur once, in alphabetical order.
std::string implied_output(const std::vector<std::string>& terms, const Ellipsis& ellipsis) {
  std::map<char, int> counts;
  for (const std::string& t : terms)
    for (const char c : t)
      if (c != '.') ++counts[c];
  std::string out = ellipsis.labels();
  for (const auto& [c, n] : counts)
    if (n == 1) out += c;
  return out;
}

using Sizes = std::map<char, Dim>;

// The operand without its ellipsis axes of size 1, which broadcast; notes the size of every label.
Labelled labelled(std::string_view specification, const Array& value, const std::string& labels, Sizes& sizes) {
  Axes dropped;
  std::string kept;
  for (std::size_t k = 0; k < labels.size(); ++k) {
    const Dim n = value.shape()[k];
    if (Ellipsis::is_label(labels[k]) && identical(n, Dim(1))) {
      dropped.push_back(static_cast<std::int64_t>(k));
      sizes.try_emplace(labels[k], n);
      continue;
    }
    kept += labels[k];
    auto& known = sizes.try_emplace(labels[k], n).first->second;
    if (identical(known, Dim(1))) known = n;
    check<ShapeError>(identical(known, n), "einsum '{}': a label has two sizes. Got '{}' with {} and {}.",
                      specification, labels[k], known, n);
  }
  return {squeeze(value, dropped), kept};
}

// Contracts from the left to the right; a label goes when nothing behind it needs it.
Labelled contract_all(const std::vector<Labelled>& xs, const std::string& out) {
  const auto needed_after = [&](std::size_t from) {
    std::set<char> needed(out.begin(), out.end());
    for (std::size_t i = from; i < xs.size(); ++i) needed.insert(xs[i].labels.begin(), xs[i].labels.end());
    return needed;
  };
  Labelled acc = simplify(xs[0], needed_after(1));
  for (std::size_t i = 1; i < xs.size(); ++i) {
    const std::set<char> wanted = needed_after(i + 1);
    std::set<char> for_rhs = wanted;
    for_rhs.insert(acc.labels.begin(), acc.labels.end());
    acc = simplify(contract_pair(acc, simplify(xs[i], for_rhs), wanted), wanted);
  }
  return acc;
}

}  // namespace

Array einsum(std::string_view specification, std::span<const Array> operands) {
  const Terms terms = read_terms(specification);
  check(terms.in.size() == operands.size(), "einsum '{}': the number of operands is wrong. Got {}; expected {}.",
        specification, operands.size(), terms.in.size());
  const Ellipsis ellipsis(specification, terms.in, operands);
  Sizes sizes;
  std::vector<Labelled> xs;
  const DType dtype = result_type(operands).dtype;
  for (std::size_t i = 0; i < operands.size(); ++i)
    xs.push_back(labelled(specification, rules::as_dtype(operands[i], dtype),
                          ellipsis.expand(terms.in[i], operands[i].rank()), sizes));
  const std::string out = terms.out ? ellipsis.expand(*terms.out) : implied_output(terms.in, ellipsis);
  for (const char c : out)
    check(sizes.count(c), "einsum '{}': a label of the output is in no operand. Got '{}'.", specification, c);

  const Labelled acc = contract_all(xs, out);
  // Ellipsis axes of size 1 that were dropped come back here.
  Shape shape;
  Axes permutation, kept;
  for (std::size_t i = 0; i < out.size(); ++i) {
    shape.push_back(sizes[out[i]]);
    const std::size_t at = acc.labels.find(out[i]);
    if (at == std::string::npos) continue;
    permutation.push_back(static_cast<std::int64_t>(at));
    kept.push_back(static_cast<std::int64_t>(i));
  }
  return broadcast_in_dim(transpose(acc.value, permutation), shape, kept);
}

}  // namespace tf2jax
