// Operations, values and regions as a portable artifact.
#include "tf2jax/stablehlo/internal/bytecode_tables.h"
#include "tf2jax/stablehlo/write.h"

#include "tf2jax/base/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace tf2jax::stablehlo {
namespace {

constexpr std::uint8_t kAttributes = 0x01, kResults = 0x02, kOperands = 0x04, kRegions = 0x10, kProperties = 0x40;

Version parse_version(const std::string& text) {
  Version v;
  int* const parts[] = {&v.major, &v.minor, &v.patch};
  const char *at = text.data(), *end = at + text.size();
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    const bool last = i == 2;
    check<ValueError>(error == std::errc() && (last ? next == end : next != end && *next == '.'),
                      "stablehlo: this is no version. Got '{}'; expected one such as '1.0.0'.", text);
    at = next + (last ? 0 : 1);
  }
  check<ValueError>(v >= kOldestVersion && Version{v.major, v.minor, 0} <= kNewestVersion,
                    "stablehlo: this version is not known. Got '{}'; expected {} to {}.", text,
                    kOldestVersion.to_string(), kNewestVersion.to_string());
  return v;
}

class Writer {
 public:
  Writer(const Module& module, const Version& target) : module_(module), tables_(target) {}

  std::string write() {
    ByteSink out;
    out.varint(1u << 1);
    module_op(out);
    return tables_.file(out.str());
  }

 private:
  // Values by number, as the innermost isolated region counts them.
  struct Scope {
    std::vector<std::uint64_t> numbers;
    std::uint64_t next = 0;
  };

  void module_op(ByteSink& out) {
    std::vector<std::pair<std::string, std::uint64_t>> attributes;
    for (const auto& [name, value] : module_.attributes)
      if (value->kind == Attr::Kind::boolean) attributes.emplace_back(name, tables_.builtin_integer(value->integer, 1));
    for (const char* name : {"mhlo.num_partitions", "mhlo.num_replicas"})
      attributes.emplace_back(name, tables_.builtin_integer(1, 32));
    const std::uint64_t name = module_.name.empty() ? 0 : tables_.builtin_string(module_.name);
    if (tables_.format() < 5 && !module_.name.empty()) attributes.emplace_back("sym_name", name);
    out.varint(tables_.op_name("builtin", "module"));
    out.byte(kAttributes | kRegions | (tables_.format() >= 5 ? kProperties : 0));
    out.varint(tables_.unknown_location());
    out.varint(tables_.builtin_dictionary(attributes));
    if (tables_.format() >= 5) {
      ByteSink p;
      p.varint(module_.name.empty() ? 0 : name << 1 | 1);
      p.varint(0);
      out.varint(tables_.property(p.str()));
    }
    ByteSink body;
    body.varint(1);
    body.varint(0);
    body.varint(module_.functions.size() << 1);
    for (const Function& f : module_.functions) function_op(body, f);
    isolated(out, body.str());
  }

  void isolated(ByteSink& out, const std::string& regions) {
    out.varint(1u << 1 | 1);
    if (tables_.format() >= 2) out.section(4, regions);
    else out.bytes(regions);
  }

  using NamedAttributes = std::vector<std::pair<std::string, std::uint64_t>>;

  // An operation up to its results: name, attributes by their names; `named` are those that the operation need not
  // have.
  void head(ByteSink& out, const VhloOp& known, std::uint8_t mask, const std::vector<std::uint64_t>& attributes,
            NamedAttributes named = {}) {
    const bool native = tables_.format() >= 5;
    out.varint(tables_.op_name("vhlo", known.name));
    if (!native)
      for (std::size_t i = 0; i < attributes.size(); ++i) named.emplace_back(known.attributes[i], attributes[i]);
    const bool has_properties = native && !attributes.empty();
    if (has_properties) mask |= kProperties;
    if (!named.empty()) mask |= kAttributes;
    out.byte(mask);
    out.varint(tables_.unknown_location());
    std::ranges::sort(named);
    if (!named.empty()) out.varint(tables_.builtin_dictionary(named));
    if (!has_properties) return;
    ByteSink p;
    for (const auto a : attributes) p.varint(a);
    out.varint(tables_.property(p.str()));
  }

  // Texts that no version of the operation knows, as the message of a shape assertion.
  NamedAttributes discardable(const Op& op) {
    NamedAttributes out;
    const VhloOp* newest = vhlo_op_for(op.name, kNewestVersion);
    for (const auto& [name, value] : op.attributes)
      if (newest && value->kind == Attr::Kind::string &&
          std::ranges::find(newest->attributes, std::string_view(name)) == newest->attributes.end())
        out.emplace_back(name, tables_.attribute(*value, ""));
    return out;
  }

  const VhloOp& form_of(std::string_view name) const {
    const VhloOp* known = vhlo_op_for(name, tables_.target());
    check<NotImplementedError>(known, "stablehlo: version {} has no operation '{}'. Write for a later one.",
                               tables_.target().to_string(), name);
    return *known;
  }

  void function_op(ByteSink& out, const Function& f) {
    const VhloOp& known = form_of("func");
    Type t;
    t.kind = Type::Kind::function;
    t.inputs = f.inputs;
    t.outputs = f.outputs;
    const auto text = [&](std::string v) {
      return tables_.attribute(Attr{Attr::Kind::string, 0, 0, std::move(v), {}, {}, {}}, "");
    };
    const auto list = [&](const std::vector<AttrPtr>& given) {
      Attr a;
      a.kind = Attr::Kind::array;
      bool any = false;
      for (const AttrPtr& d : given) {
        Attr empty;
        empty.kind = Attr::Kind::dictionary;
        any = any || d;
        a.items.push_back(d ? d : std::make_shared<const Attr>(empty));
      }
      if (!any) a.items.clear();
      return tables_.attribute(a, "");
    };
    const std::vector<std::uint64_t> attributes{list(f.input_attributes), tables_.type_attribute(tables_.type(t)),
                                                list(f.output_attributes), text(f.name),
                                                text(f.is_public ? "public" : "private")};
    head(out, known, kRegions, attributes);
    function_ = &f;
    Scope scope;
    scope.numbers.assign(f.types.size(), 0);
    scope_ = &scope;
    ByteSink body;
    region(body, f.body);
    isolated(out, body.str());
  }

  static std::uint64_t values_of(const Region& r) {
    std::uint64_t n = r.arguments.size();
    for (const Op& op : r.ops) n += op.results.size();
    return n;
  }

  void number(ValueId v) { scope_->numbers[as_index(v)] = scope_->next++; }

  // Values of a region count on from those around it; regions inside come after all of them.
  void region(ByteSink& out, const Region& r) {
    const std::uint64_t base = scope_->next, values = values_of(r);
    out.varint(1);
    out.varint(values);
    out.varint(r.ops.size() << 1 | (r.arguments.empty() ? 0 : 1));
    for (const ValueId v : r.arguments) number(v);
    for (const Op& op : r.ops)
      for (const ValueId v : op.results) number(v);
    if (!r.arguments.empty()) {
      out.varint(r.arguments.size());
      for (const ValueId v : r.arguments) {
        const std::uint64_t t = tables_.type(*function_->types[as_index(v)]);
        out.varint(tables_.format() >= 4 ? t << 1 : t);
        if (tables_.format() < 4) out.varint(tables_.unknown_location());
      }
      if (tables_.format() >= 3) out.byte(0);
    }
    for (const Op& op : r.ops) operation(out, op);
    scope_->next = base;
  }

  // What an older form of an operation cannot say must not be lost.
  void expect_expressible(const Op& op, const VhloOp& known) const {
    const VhloOp* newest = vhlo_op_for(op.name, kNewestVersion);
    for (const auto& [name, value] : op.attributes) {
      const auto has = [&](const VhloOp* form) {
        return form && std::ranges::find(form->attributes, std::string_view(name)) != form->attributes.end();
      };
      const bool says_something = value->kind != Attr::Kind::none &&
                                  !(value->kind == Attr::Kind::tensor && value->text.empty()) &&
                                  !(value->kind == Attr::Kind::array && value->items.empty());
      check<NotImplementedError>(
          has(&known) || !has(newest) || !says_something,
          "stablehlo: operation '{}' of version {} has no attribute '{}'. Write for a later one.", op.name,
          tables_.target().to_string(), name);
    }
    const Attr* config = op.find("backend_config");
    check<NotImplementedError>(
        !config || config->kind != Attr::Kind::dictionary || tables_.target() >= Version{1, 3, 0},
        "stablehlo: version {} has no dictionaries in custom calls. Write for 1.3.0 or later.",
        tables_.target().to_string());
  }

  // Before 0.19.0 composites are calls of what they are made of.
  void operation(ByteSink& out, const Op& op) {
    if (op.name != "composite" || vhlo_op_for(op.name, tables_.target())) return plain_operation(out, op);
    const Attr* decomposition = op.find("decomposition");
    check<ValueError>(decomposition, "stablehlo: a composite has no decomposition. Got none; expected a function.");
    Op call;
    call.name = "call";
    call.operands = op.operands;
    call.results = op.results;
    call.attributes.emplace_back("callee", std::make_shared<const Attr>(*decomposition));
    plain_operation(out, call);
  }

  void plain_operation(ByteSink& out, const Op& op) {
    const VhloOp& known = form_of(op.name);
    std::vector<std::uint64_t> attributes;
    for (const auto name : known.attributes) {
      const Attr* a = op.find(name);
      // How exact a function is has one form here, the default.
      const bool given = a && name != "result_accuracy";
      attributes.push_back(given ? tables_.attribute(*a, name) : tables_.absent(name));
    }
    expect_expressible(op, known);
    std::uint8_t mask = 0;
    if (!op.results.empty()) mask |= kResults;
    if (!op.operands.empty()) mask |= kOperands;
    if (!op.regions.empty()) mask |= kRegions;
    head(out, known, mask, attributes, discardable(op));
    if (!op.results.empty()) {
      out.varint(op.results.size());
      for (const ValueId v : op.results) out.varint(tables_.type(*function_->types[as_index(v)]));
    }
    if (!op.operands.empty()) {
      out.varint(op.operands.size());
      for (const ValueId v : op.operands) out.varint(scope_->numbers[as_index(v)]);
    }
    if (op.regions.empty()) return;
    out.varint(op.regions.size() << 1);
    for (const Region& r : op.regions) region(out, r);
  }

  const Module& module_;
  BytecodeTables tables_;
  const Function* function_ = nullptr;
  Scope* scope_ = nullptr;
};

}  // namespace

std::string write_module(const Module& module, const std::string& target) {
  return Writer(module, parse_version(target)).write();
}

}  // namespace tf2jax::stablehlo
