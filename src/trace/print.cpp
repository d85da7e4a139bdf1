// Printing programs as JAX prints them.
#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "tf2jax/trace/internal/doc.h"
#include "tf2jax/trace/internal/number_text.h"
#include "tf2jax/trace/jaxpr.h"

namespace tf2jax {
namespace {

using detail::Doc;
constexpr int kWidth = 80;
constexpr std::size_t kInlineEquations = 10;  // a longer nested program is printed before the one that uses it

// 0 -> a, 25 -> z, 26 -> ba: base 26 with the digits a..z.
std::string encode_name(std::size_t i) {
  std::string s;
  do {
    s += static_cast<char>('a' + i % 26);
    i /= 26;
  } while (i);
  std::reverse(s.begin(), s.end());
  return s;
}

std::string literal_text(const Array& x) {
  if (!x.is_concrete() || x.rank() != 0 || x.dtype() == DType::float0 || x.dtype() == DType::key) return "[...]";
  return visit_dtype(x.dtype(), [&]<class T>(std::type_identity<T>) -> std::string {
    if constexpr (std::same_as<T, bool>) return x.item<bool>() ? "True" : "False";
    else if constexpr (std::signed_integral<T>) return std::to_string(x.item<std::int64_t>());
    else if constexpr (std::unsigned_integral<T>) return std::to_string(x.item<std::uint64_t>());
    else if constexpr (requires(T t) { t.real(); }) return detail::complex_text(x.item<complex128>());
    else return detail::float_text(x.item<double>());
  });
}

struct Printer {
  std::map<const void*, std::string> shared;
  std::set<std::string> taken;
  std::map<std::pair<const void*, VarId>, std::string> names;
  std::map<const void*, std::vector<bool>> used;
  std::size_t next = 0;

  std::string fresh() {
    for (;;)
      if (std::string name = encode_name(next++); !taken.contains(name)) return name;
  }
  const std::vector<bool>& used_vars(const Jaxpr& j) {
    auto [it, inserted] = used.try_emplace(j.id());
    if (inserted) {
      it->second.resize(j->vars.size());
      const auto mark = [&](const Atom& a) {
        if (!a.is_literal()) it->second[a.var] = true;
      };
      for (const Equation& e : j->eqns) std::for_each(e.inputs.begin(), e.inputs.end(), mark);
      std::for_each(j->outs.begin(), j->outs.end(), mark);
      for (VarId v : j->named_unused) it->second[v] = true;
    }
    return it->second;
  }
  bool dropped(const Jaxpr& j, VarId v) { return !used_vars(j)[v]; }
  const std::string& name(const Jaxpr& j, VarId v) {
    auto [it, inserted] = names.try_emplace({j.id(), v});
    if (inserted) it->second = fresh();
    return it->second;
  }
  std::string output_name(const Jaxpr& j, VarId v) { return dropped(j, v) ? "_" : name(j, v); }

  Doc binder(const Jaxpr& j, VarId v, const std::string& name) {
    return Doc::text(name + ":" + j->vars[v].to_string());
  }
  static Doc list(const std::vector<Doc>& parts, const std::string& separator = "") {
    return Doc::nest(2, Doc::group(Doc::join(Doc::text(separator) + Doc::group(Doc::brk()), parts)));
  }
  Doc binders(const Jaxpr& j, const std::vector<VarId>& vars) {
    std::vector<Doc> parts;
    for (VarId v : vars) parts.push_back(binder(j, v, name(j, v)));
    return list(parts);
  }
  Doc atoms(const Jaxpr& j, const std::vector<Atom>& atoms, const std::string& separator = "") {
    std::vector<Doc> parts;
    for (const Atom& a : atoms)
      parts.push_back(
          Doc::text(a.is_literal() ? literal_text(a.literal) + ":" + a.literal.aval().to_string() : name(j, a.var)));
    return list(parts, separator);
  }

  // How many results of `inner` print as `_`: those it does not use itself, and those that the equation around drops.
  std::size_t unnamed(const Jaxpr& inner, const std::vector<VarId>& outs, const Jaxpr& outer,
                      const std::vector<Atom>& results) {
    std::set<VarId> found;
    for (const Equation& e : inner->eqns)
      for (VarId v : e.outputs)
        if (dropped(inner, v)) found.insert(v);
    for (std::size_t i = 0; i < outs.size(); ++i)
      if (outs[i] >= 0 && !results[i].is_literal() && dropped(outer, results[i].var) &&
          !names.contains({inner.id(), outs[i]}))
        found.insert(outs[i]);
    return found.size();
  }
  static bool reads(const Jaxpr& j, VarId v) {
    return std::ranges::any_of(j->eqns, [&](const Equation& e) {
      return std::ranges::any_of(e.inputs, [&](const Atom& a) { return a.var == v; });
    });
  }

  // The variables of a program called by `jit` take the names of what they are bound to.
  void suggest(const Jaxpr& inner, const std::vector<VarId>& vars, const Jaxpr& outer, const std::vector<Atom>& like,
               bool outputs) {
    if (vars.size() != like.size()) return;
    const bool crowded = outputs && unnamed(inner, vars, outer, like) > 1;
    std::set<VarId> done;
    for (std::size_t i = 0; i < vars.size(); ++i) {
      if (like[i].is_literal() || vars[i] < 0 || done.contains(like[i].var) || names.contains({inner.id(), vars[i]}))
        continue;
      done.insert(like[i].var);
      const std::string given = outputs ? output_name(outer, like[i].var) : name(outer, like[i].var);
      if (given == "_" && crowded && reads(inner, vars[i])) continue;  // which `_` is read could not be told
      names[{inner.id(), vars[i]}] = given;
    }
  }

  Doc value(const ParamText& p) {
    if (p.is_jaxpr) return jaxpr(p.jaxprs[0]);
    if (!p.is_jaxpr_tuple) return Doc::text(p.text);
    std::vector<Doc> parts;
    for (const Jaxpr& j : p.jaxprs) parts.push_back(jaxpr(j));
    return Doc::group(Doc::nest(2, Doc::text("(") + Doc::brk("") + Doc::join(Doc::brk(), parts)) + Doc::brk("") +
                      Doc::text(")"));
  }

  Doc equation(const Jaxpr& j, const Equation& e) {
    std::vector<ParamText> params = e.params.texts();
    std::stable_sort(params.begin(), params.end(), [](const ParamText& a, const ParamText& b) {
      return std::pair(a.name != "name", std::string_view(a.name)) <
             std::pair(b.name != "name", std::string_view(b.name));
    });
    if (e.primitive.shares_names())
      for (const ParamText& p : params)
        if (p.is_jaxpr && !shared.contains(p.jaxprs[0].id())) {
          const Jaxpr& inner = p.jaxprs[0];
          std::vector<VarId> outs;
          std::vector<Atom> results;
          for (const Atom& a : inner->outs) outs.push_back(a.var);
          for (VarId v : e.outputs) results.push_back(Atom::of(v));
          suggest(inner, inner->invars, j, e.inputs, false);
          suggest(inner, outs, j, results, true);
        }
    std::vector<Doc> lhs, pairs;
    for (VarId v : e.outputs) lhs.push_back(binder(j, v, output_name(j, v)));
    std::vector<Doc> parts;
    if (!lhs.empty()) parts = {list(lhs), Doc::text(" = ")};
    parts.push_back(Doc::text(e.primitive.name()));
    for (const ParamText& p : params) pairs.push_back(Doc::text(p.name + "=") + value(p));
    if (!pairs.empty())
      parts.push_back(Doc::group(Doc::nest(2, Doc::text("[") + Doc::brk("") + Doc::join(Doc::brk(), pairs)) +
                                 Doc::brk("") + Doc::text("]")));
    parts.push_back(Doc::text(" "));
    parts.push_back(atoms(j, e.inputs));
    return Doc::concat(std::move(parts));
  }

  Doc jaxpr(const Jaxpr& j) {
    if (const auto it = shared.find(j.id()); it != shared.end()) return Doc::text(it->second);
    return body(j);
  }
  Doc body(const Jaxpr& j) {
    // Sequenced statements: names are given in the order of printing.
    const Doc constvars = binders(j, j->constvars);
    const Doc invars = binders(j, j->invars);
    std::vector<Doc> eqns;
    for (const Equation& e : j->eqns) eqns.push_back(equation(j, e));
    const Doc outs = atoms(j, j->outs, ",");
    return Doc::group(
        Doc::nest(2, Doc::concat({Doc::text("{ lambda "), constvars, Doc::text("; "), invars, Doc::text(". let"),
                                  Doc::nest(2, Doc::brk() + Doc::join(Doc::brk("; "), eqns)), Doc::brk(),
                                  Doc::text("in ("), outs, Doc::text(j->outs.size() == 1 ? ",)" : ")")})) +
        Doc::text(" }"));
  }

  std::string print(const Jaxpr& top) {
    // Breadth first: how often each nested program is used, and what it is called.
    std::vector<Jaxpr> order;
    std::map<const void*, std::pair<std::size_t, std::string>> found;
    std::deque<Jaxpr> queue{top};
    while (!queue.empty()) {
      const Jaxpr j = queue.front();
      queue.pop_front();
      auto [it, first] = found.try_emplace(j.id(), 0, "jaxpr");
      if (++it->second.first == 1) order.push_back(j);
      if (it->second.first > 2) continue;  // used twice already, and so is what it uses
      for (const Equation& e : j->eqns) {
        std::string name = "jaxpr";
        const std::vector<ParamText> texts = e.params.texts();
        if (e.primitive.shares_names())
          for (const ParamText& p : texts)
            if (p.name == "name") name = p.text;
        name.erase(0, std::min(name.find_first_not_of("<>"), name.size()));
        name.erase(name.find_last_not_of("<>") + 1);
        for (const ParamText& p : texts)
          for (const Jaxpr& nested : p.jaxprs) {
            if (!found.contains(nested.id())) found.try_emplace(nested.id(), 0, name);
            queue.push_back(nested);
          }
      }
    }
    std::vector<Jaxpr> hoisted;
    std::map<std::string, int> counts;
    for (const Jaxpr& j : order) {
      const auto& [count, base] = found.at(j.id());
      if (j.id() == top.id() || (count == 1 && j->eqns.size() <= kInlineEquations)) continue;
      std::string name = base;
      if (const int n = counts[base]++; n > 0) {
        name += std::to_string(n);
        ++counts[name];
      }
      taken.insert(name);
      shared[j.id()] = name;
      hoisted.push_back(j);
    }
    std::vector<Doc> docs;
    for (const Jaxpr& j : hoisted) {
      const Doc text = body(j);
      docs.push_back(Doc::concat({Doc::text("let " + shared.at(j.id()) + " = "), text, Doc::text(" in"), Doc::brk()}));
    }
    docs.push_back(body(top));
    return Doc::concat(std::move(docs)).format(kWidth);
  }
};

}  // namespace

std::string to_string(const Jaxpr& jaxpr) { return Printer{}.print(jaxpr); }

}  // namespace tf2jax
