// The program in a bytecode file: operations, values and regions. Source: MLIR's "Bytecode Format".
#include "tf2jax/stablehlo/internal/bytecode_entries.h"
#include "tf2jax/stablehlo/internal/plain_form.h"
#include "tf2jax/stablehlo/internal/vhlo_ops.h"
#include "tf2jax/stablehlo/read.h"

#include "tf2jax/base/error.h"
#include "tf2jax/base/limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace tf2jax::stablehlo {
namespace {

// Bits of an operation's mask.
constexpr std::uint8_t kAttributes = 0x01, kResults = 0x02, kOperands = 0x04, kSuccessors = 0x08, kRegions = 0x10,
                       kUseLists = 0x20, kProperties = 0x40;
constexpr int kMaxDepth = 200;
constexpr std::size_t kMaxCopied = 1 << 22, kMostProperties = 16, kShort = 32;

std::string plain_name(const OpName& name) {
  const std::string text(name.dialect == "vhlo" ? without_version(name.name) : name.name);
  const bool own = name.dialect == "vhlo" || name.dialect == "stablehlo" || name.dialect == "func";
  return own ? text : fmt::format("{}.{}", name.dialect, text);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : file_(bytes), entries_(file_), room_(4 * bytes.size()) {}

  Module read() {
    module_.producer = file_.producer;
    ByteCursor in = file_.section(Section::ir);
    const std::uint64_t head = in.varint();
    if (head != (1u << 1)) in.fail("one module is expected.");
    Scope nothing;
    Function unused;
    unused.types = TypeList(pool_);
    function_ = &unused;
    scope_ = &nothing;
    const Op top = read_op(in);
    check<DataLossError>(is_module_, "stablehlo: the file holds no module. Got '{}'.", top.name);
    module_.attributes = top.attributes;
    if (const Attr* name = top.find("sym_name")) module_.name = name->text;
    module_.index_functions();
    return std::move(module_);
  }

 private:
  // Numbers of values, by the operation's own: they start anew in isolated regions, ours do not.
  struct Scope {
    std::vector<ValueId> values;
    std::size_t next = 0;
  };

  Op read_op(ByteCursor& in) {
    Op op;
    op.offset = in.offset();
    const OpName& name = file_.op_names[in.index(file_.op_names.size(), "an operation's name")];
    op.name = plain_name(name);
    count_copied(in, op.name.size() / kShort);
    const std::uint8_t mask = in.byte();
    (void)in.index(file_.attributes.size(), "an attribute");  // where it came from
    if (mask & kAttributes) read_attributes(in, op);
    if (mask & kProperties) read_properties(in, op, name);
    if (name.dialect == "stablehlo") complete(in, op);
    std::vector<TypePtr> types;
    if (mask & kResults) types = entries_.read_types(in);
    if (mask & kOperands) read_operands(in, op);
    if (mask & kSuccessors)
      raise<NotImplementedError>("stablehlo: operation '{}' jumps to blocks, which is not supported.", op.name);
    if (mask & kUseLists) skip_use_lists(in, types.size());
    op.results.reserve(types.size());
    for (const TypePtr& t : types) op.results.push_back(define(in, t));
    const bool is_module = name.dialect == "builtin" && name.name == "module";
    if (mask & kRegions) {
      if (is_module) read_module_body(in);
      else if (op.name == "func") read_function(in, op);
      else read_regions(in, op);
    }
    return op;
  }

  void read_attributes(ByteCursor& in, Op& op) {
    const AttrPtr all = entries_.read_attribute(in);
    if (all->kind != Attr::Kind::dictionary) in.fail("attributes are no dictionary.");
    const std::size_t before = op.attributes.size();
    op.attributes.insert(op.attributes.end(), all->entries.begin(), all->entries.end());
    count_attributes(in, op, before);
  }

  void read_properties(ByteCursor& in, Op& op, const OpName& name) {
    ByteCursor p = file_.property(in.index(file_.properties.size(), "properties"));
    if (name.dialect == "builtin") return read_module_name(p, op);
    if (name.dialect == "stablehlo" || name.dialect == "chlo" || name.dialect == "func")
      return read_plain_properties(p, op, name);
    if (name.dialect != "vhlo") return;
    const VhloOp* known = find_vhlo_op(name.name);
    if (!known) return;  // reported with every other operation that is not known
    op.attributes.reserve(op.attributes.size() + known->attributes.size());
    for (const auto attribute : known->attributes) op.attributes.emplace_back(attribute, entries_.read_attribute(p));
    if (!p.empty()) p.fail(fmt::format("operation '{}' has more properties than it should.", op.name));
  }

  void read_plain_properties(ByteCursor& p, Op& op, const OpName& name) {
    const auto forms = plain_forms(fmt::format("{}.{}", name.dialect, name.name));
    std::vector<std::uint64_t> numbers;
    // No further than any form is long: many operations may share properties that have no end.
    for (ByteCursor all = p; !all.empty() && numbers.size() <= kMostProperties;) numbers.push_back(all.varint());
    const auto form = std::ranges::find(forms, numbers.size(), &PlainForm::size);
    if (form == forms.end()) {  // reported with every other operation that is not known
      if (!numbers.empty()) op.name += fmt::format(" ({} properties)", numbers.size());
      return;
    }
    op.attributes.reserve(op.attributes.size() + numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const auto& [attribute, is_optional] = (*form)[i];
      if (is_optional && (numbers[i] & 1u) == 0) continue;
      const std::uint64_t number = is_optional ? numbers[i] >> 1 : numbers[i];
      if (number >= file_.attributes.size()) p.fail(fmt::format("property '{}' is no attribute.", attribute));
      op.attributes.emplace_back(attribute, entries_.attribute(number));
    }
  }

  void complete(const ByteCursor& in, Op& op) {
    const std::size_t before = op.attributes.size();
    complete_plain(op, [&](const std::string& message) { in.fail(message); });
    count_attributes(in, op, before);
  }

  // Many operations may name the same attributes, in fewer bytes than it takes to read them.
  void count_attributes(const ByteCursor& in, const Op& op, std::size_t first) {
    std::size_t n = 0;
    for (std::size_t i = first; i < op.attributes.size(); ++i) n += 1 + op.attributes[i].first.size() / kShort;
    count_copied(in, n);
  }
  void count_copied(const ByteCursor& in, std::size_t n) {
    copied_ += n;
    if (copied_ > file_.bytes.size() + kMaxCopied) in.fail("its operations have too many names and attributes.");
  }

  // The module's own: two attributes that may be absent, its name and its visibility.
  void read_module_name(ByteCursor& p, Op& op) {
    const std::uint64_t v = p.varint();
    if ((v & 1u) == 0) return;
    if (v >> 1 >= file_.attributes.size()) p.fail("the name of the module is no attribute.");
    op.attributes.emplace_back("sym_name", entries_.attribute(v >> 1));
  }

  void read_operands(ByteCursor& in, Op& op) {
    op.operands.resize(in.count("operands"));
    for (auto& v : op.operands) {
      v = scope_->values[in.index(scope_->values.size(), "a value")];
      if (v < 0) in.fail("a value is used before it is there.");
    }
  }

  // Orders of uses, which matter to nobody who does not write the file again bit by bit.
  void skip_use_lists(ByteCursor& in, std::size_t values) {
    const std::uint64_t entries = values == 1 ? 1 : in.count("orders of uses");
    for (std::uint64_t i = 0; i < entries; ++i) {
      if (values != 1) (void)in.varint();
      const std::uint64_t n = in.varint() >> 1;
      if (n > in.left()) in.fail("there are fewer uses than it says.");
      for (std::uint64_t k = 0; k < n; ++k) (void)in.varint();
    }
  }

  ValueId define(const ByteCursor& in, const TypePtr& type) {
    if (scope_->next >= scope_->values.size()) in.fail("there are more values than the region says.");
    const auto id = static_cast<ValueId>(function_->types.size());
    function_->types.push_back(type);
    return scope_->values[scope_->next++] = id;
  }

  // `body(cursor)` for each region of an operation. Isolated ones lie in a section of their own, and see nothing.
  template <class F>
  void for_each_region(ByteCursor& in, const F& body) {
    if (++depth_ > kMaxDepth) in.fail("regions are nested too deep.");
    const std::uint64_t head = in.varint(), count = head >> 1;
    if (count > in.left()) in.fail("there are fewer regions than it says.");
    if (head & 1u) {
      Scope own;
      Scope* const outer = std::exchange(scope_, &own);
      if (file_.version >= 2) {
        const SectionHead section = read_section(in);
        ByteCursor inside(file_.bytes, section.begin, section.size, section_name(section.id));
        for (std::uint64_t i = 0; i < count; ++i) body(inside);
      } else {
        for (std::uint64_t i = 0; i < count; ++i) body(in);
      }
      scope_ = outer;
    } else {
      for (std::uint64_t i = 0; i < count; ++i) body(in);
    }
    --depth_;
  }

  Region read_region(ByteCursor& in, bool is_function = false) {
    Region region;
    region.ops = OpList(pool_);
    const std::uint64_t blocks = in.varint();
    if (blocks == 0) return region;
    check<NotImplementedError>(blocks == 1, "stablehlo: a region has several blocks, which is not supported. Got {}.",
                               blocks);
    const std::uint64_t values = in.count("values");
    const std::size_t base = scope_->values.size(), next = scope_->next;
    if (base + values > file_.bytes.size()) in.fail("there are more values than the file has bytes.");
    scope_->values.resize(base + values, -1);
    scope_->next = base;
    const std::uint64_t head = in.varint(), ops = head >> 1;
    if (ops > in.left()) in.fail("there are fewer operations than it says.");
    if (is_function) make_room(region, in.left(), values);
    if (head & 1u) read_arguments(in, region);
    for (std::uint64_t i = 0; i < ops; ++i) region.ops.push_back(read_op(in));
    scope_->values.resize(base);
    scope_->next = next;
    return region;
  }

  // Room at once for the operations and values of a function, which take about so much; no more in all than a few times
  // the file, whatever it says of each.
  void make_room(Region& region, std::uint64_t bytes, std::uint64_t values) {
    const std::uint64_t of_ops = bytes + bytes / 2, of_types = values + values / 2;  // with those of its regions
    const std::uint64_t all = of_ops + sizeof(std::uint32_t) * of_types;
    if (all > room_) return;
    room_ -= all;
    region.ops.reserve(of_ops);
    function_->types.reserve(of_types);
  }

  void read_arguments(ByteCursor& in, Region& region) {
    const std::uint64_t n = in.count("arguments");
    for (std::uint64_t i = 0; i < n; ++i) {
      std::uint64_t type = in.varint();
      const bool has_location = file_.version < 4 || (type & 1u);
      if (file_.version >= 4) type >>= 1;
      if (type >= file_.types.size()) in.fail("the type of an argument is out of range.");
      if (has_location) (void)in.varint();
      region.arguments.push_back(define(in, entries_.type(type)));
    }
    if (file_.version < 3) return;
    if (in.byte() & kUseLists) skip_use_lists(in, n);
  }

  void read_regions(ByteCursor& in, Op& op) {
    for_each_region(in, [&](ByteCursor& at) { op.regions.push_back(read_region(at)); });
  }

  void read_module_body(ByteCursor& in) {
    check<NotImplementedError>(!is_module_, "stablehlo: a module holds a module, which is not supported.");
    is_module_ = true;
    for_each_region(in, [&](ByteCursor& at) { (void)read_region(at); });
  }

  void read_function(ByteCursor& in, const Op& op) {
    Function f;
    f.types = TypeList(pool_);
    // A function sees no value from outside, whatever the file says about its region.
    Scope own;
    Function* const outer = std::exchange(function_, &f);
    Scope* const around = std::exchange(scope_, &own);
    for_each_region(in, [&](ByteCursor& at) { f.body = read_region(at, true); });
    scope_ = around;
    function_ = outer;
    const auto text = [&](std::string_view name) {
      const Attr* a = op.find(name);
      return a ? a->text : std::string();
    };
    f.name = text("sym_name");
    const std::string visibility = text("sym_visibility");
    f.is_public = visibility.empty() || visibility == "public";
    const Attr* type = op.find("function_type");
    if (!type || !type->type || type->type->kind != Type::Kind::function) in.fail("a function has no type.");
    f.inputs = type->type->inputs;
    f.outputs = type->type->outputs;
    if (const Attr* a = op.find("arg_attrs")) f.input_attributes = a->items;
    if (const Attr* a = op.find("res_attrs")) f.output_attributes = a->items;
    if (f.body.arguments.size() != f.inputs.size())
      in.fail(fmt::format("function '{}' has {} arguments; expected {}.", f.name, f.body.arguments.size(),
                          f.inputs.size()));
    module_.functions.push_back(std::move(f));
  }

  const BytecodeFile file_;
  BytecodeEntries entries_;
  Module module_;
  PoolPtr pool_ = make_pool();
  Function* function_ = nullptr;
  Scope* scope_ = nullptr;
  bool is_module_ = false;
  int depth_ = 0;
  std::size_t copied_ = 0;
  std::uint64_t room_;  // bytes that may be made room for yet
};

}  // namespace

Module read_module(std::string_view bytes) {
  if (!bytes.starts_with(kBytecodeMagic)) return parse_module(bytes);
  return with_errors("stablehlo", [&] { return Reader(bytes).read(); });
}

}  // namespace tf2jax::stablehlo
