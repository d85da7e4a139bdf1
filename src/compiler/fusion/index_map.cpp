// Arithmetic of affine indices.
#include "tf2jax/compiler/fusion/index_map.h"

#include <algorithm>

namespace tf2jax::compiler {

Affine constant_index(std::int64_t offset) { return {offset, {}}; }
Affine variable_index(LoopVar v, std::int64_t scale) { return {0, {{v, scale}}}; }

Affine operator+(const Affine& a, const Affine& b) {
  Affine out{a.offset + b.offset, {}};
  auto i = a.terms.begin(), j = b.terms.begin();
  while (i != a.terms.end() || j != b.terms.end()) {
    if (j == b.terms.end() || (i != a.terms.end() && i->first < j->first)) out.terms.push_back(*i++);
    else if (i == a.terms.end() || j->first < i->first) out.terms.push_back(*j++);
    else {
      if (i->second + j->second) out.terms.emplace_back(i->first, i->second + j->second);
      ++i, ++j;
    }
  }
  return out;
}
Affine operator+(const Affine& a, std::int64_t offset) {
  Affine out = a;
  out.offset += offset;
  return out;
}
Affine operator*(const Affine& a, std::int64_t scale) {
  if (scale == 0) return {};
  Affine out = a;
  out.offset *= scale;
  for (auto& [v, c] : out.terms) c *= scale;
  return out;
}

LoopVar IndexSpace::add(std::int64_t extent) {
  extents_.push_back(extent);
  order_.push_back(static_cast<LoopVar>(extents_.size() - 1));
  origins_.push_back(order_.back());
  return order_.back();
}

void IndexSpace::move_to_back(const std::vector<LoopVar>& variables) {
  std::ranges::stable_partition(order_, [&](LoopVar v) { return std::ranges::find(variables, v) == variables.end(); });
}

MapId IndexSpace::intern(const IndexMap& map) {
  // The latest maps are the likeliest to return.
  for (std::size_t i = maps_.size(), tries = 0; i-- > 0 && tries < 16; ++tries)
    if (maps_[i] == map) return static_cast<MapId>(i);
  maps_.push_back(map);
  return static_cast<MapId>(maps_.size() - 1);
}

MapId IndexSpace::identity(const Dims& dims) {
  IndexMap map;
  for (const std::int64_t n : dims) map.push_back(n == 1 ? constant_index(0) : variable_index(add(n)));
  return intern(map);
}

void IndexSpace::split(LoopVar v, std::int64_t low) {
  const auto inner = static_cast<LoopVar>(extents_.size());
  extents_[v] /= low;
  extents_.push_back(low);
  origins_.push_back(origin(v));
  splits_.push_back({v, inner});
  order_.insert(std::find(order_.begin(), order_.end(), v) + 1, inner);
  for (IndexMap& map : maps_)
    for (Affine& a : map)
      for (std::size_t i = 0, n = a.terms.size(); i < n; ++i)
        if (a.terms[i].first == v) {
          const std::int64_t c = a.terms[i].second;
          a.terms[i].second = c * low;
          a.terms.emplace_back(inner, c);  // the newest variable: last in order
        }
}

IndexSpace::Outcome IndexSpace::divide(const Affine& a, std::int64_t by, Division& out) {
  const std::int64_t down = a.offset >= 0 ? a.offset / by : -((-a.offset + by - 1) / by);
  out.quotient = constant_index(down);
  out.remainder = constant_index(a.offset - down * by);
  std::int64_t lowest = out.remainder.offset, highest = lowest;
  for (const auto& [v, c] : a.terms) {
    if (c % by == 0) {
      out.quotient = out.quotient + variable_index(v, c / by);
      continue;
    }
    const std::int64_t reach = c * (extent(v) - 1);
    if (c > 0 && reach >= by && by % c == 0 && extent(v) % (by / c) == 0) {
      split(v, by / c);
      return Outcome::split;
    }
    out.remainder = out.remainder + variable_index(v, c);
    (reach > 0 ? highest : lowest) += reach;
  }
  return lowest >= 0 && highest < by ? Outcome::done : Outcome::impossible;
}

IndexSpace::Outcome IndexSpace::try_reshape(MapId id, const Dims& dims, const Dims& operand_dims, IndexMap& out) {
  out.assign(operand_dims.size(), {});
  std::size_t i = 0, j = 0;
  while (i < dims.size() || j < operand_dims.size()) {
    // The shortest runs of axes with equal element counts.
    std::size_t i1 = i, j1 = j;
    std::int64_t a = i1 < dims.size() ? dims[i1++] : 1, b = j1 < operand_dims.size() ? operand_dims[j1++] : 1;
    while (a != b) {
      if (a < b) {
        if (i1 == dims.size()) return Outcome::impossible;
        a *= dims[i1++];
      } else {
        if (j1 == operand_dims.size()) return Outcome::impossible;
        b *= operand_dims[j1++];
      }
    }
    Affine linear;
    std::int64_t stride = 1;
    for (std::size_t k = i1; k-- > i;) {
      linear = linear + map(id)[k] * stride;
      stride *= dims[k];
    }
    for (std::size_t k = j1; k-- > j + 1;) {
      Division d;
      if (const Outcome o = divide(linear, operand_dims[k], d); o != Outcome::done) return o;
      out[k] = d.remainder;
      linear = d.quotient;
    }
    if (j < j1) out[j] = linear;
    i = i1;
    j = j1;
  }
  return Outcome::done;
}

std::optional<IndexMap> IndexSpace::reshaped(MapId id, const Dims& dims, const Dims& operand_dims) {
  IndexMap out;
  for (;;) {
    const Outcome o = try_reshape(id, dims, operand_dims, out);
    if (o == Outcome::done) return out;
    if (o == Outcome::impossible) return std::nullopt;
  }
}

std::vector<LoopVar> IndexSpace::variables(MapId id) const {
  std::vector<LoopVar> out;
  for (const Affine& a : map(id))
    for (const auto& [v, c] : a.terms) out.push_back(v);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::int64_t IndexSpace::volume(const std::vector<LoopVar>& variables) const {
  std::int64_t n = 1;
  for (const LoopVar v : variables) n *= extent(v);
  return n;
}

Affine IndexSpace::address(MapId id, std::int64_t offset, const Dims& strides) const {
  Affine out = constant_index(offset);
  for (std::size_t i = 0; i < strides.size(); ++i) out = out + map(id)[i] * strides[i];
  return out;
}

bool IndexSpace::stays_inside(MapId id, const Dims& dims) const {
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const Affine& a = map(id)[i];
    std::int64_t low = a.offset, high = a.offset;
    for (const auto& [v, c] : a.terms) (c < 0 ? low : high) += c * (extent(v) - 1);
    if (low < 0 || high >= dims[i]) return false;
  }
  return true;
}

bool IndexSpace::is_bijective(MapId id, const Dims& dims) const {
  if (!stays_inside(id, dims)) return false;
  const Affine a = address(id, 0, row_major_strides(dims));
  if (a.offset != 0) return false;
  std::vector<std::pair<std::int64_t, std::int64_t>> digits;  // coefficient, extent
  for (const auto& [v, c] : a.terms)
    if (extent(v) > 1) digits.emplace_back(c, extent(v));
  std::sort(digits.begin(), digits.end());
  std::int64_t next = 1;
  for (const auto& [c, n] : digits) {
    if (c != next) return false;
    next *= n;
  }
  return next == num_elements(dims);
}

}  // namespace tf2jax::compiler
