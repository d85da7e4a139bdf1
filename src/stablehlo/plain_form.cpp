// What StableHLO's own dialect writes together or leaves out, as VHLO has it.
#include "tf2jax/stablehlo/internal/plain_form.h"
#include "tf2jax/stablehlo/internal/attributes.h"
#include "tf2jax/stablehlo/internal/enumerators.h"

namespace tf2jax::stablehlo {
namespace {

void set_default(Op& op, std::string_view name, const AttrPtr& value) {
  if (!op.find(name)) op.attributes.emplace_back(std::string(name), value);
}

void flatten(Op& op, std::string_view name) {
  const Attr* all = op.find(name);
  if (!all) return;
  const auto entries = all->entries;
  for (const auto& [key, value] : entries) op.attributes.emplace_back(key, value);
}

void complete_indexing(Op& op, std::string_view numbers, std::initializer_list<const char*> lists) {
  flatten(op, numbers);
  for (const char* list : lists) set_default(op, list, integers_attribute({}));
  set_default(op, "index_vector_dim", integer_attribute(0));
}

// The dialect has a number there.
void name_api_version(Op& op, const std::function<void(const std::string&)>& fail) {
  for (auto& [name, value] : op.attributes) {
    if (name != "api_version" || value->kind != Attr::Kind::integer) continue;
    const auto& names = find_enumeration("custom_call_api_version")->names;
    if (value->integer < 0 || as_index(value->integer) >= names.size()) fail("a version of calls is not known.");
    value = string_attribute(std::string(names[as_index(value->integer)]));
  }
}

}  // namespace

void complete_plain(Op& op, const std::function<void(const std::string&)>& fail) {
  const std::string& n = op.name;
  if (n == "gather" || n == "dynamic_gather") {
    complete_indexing(op, "dimension_numbers", {"offset_dims", "collapsed_slice_dims", "start_index_map"});
  } else if (n == "scatter") {
    complete_indexing(op, "scatter_dimension_numbers",
                      {"update_window_dims", "inserted_window_dims", "scatter_dims_to_operand_dims"});
  } else if (n == "dynamic_conv" || n == "convolution") {
    flatten(op, "dimension_numbers");
    set_default(op, "feature_group_count", integer_attribute(1));
    set_default(op, "batch_group_count", integer_attribute(1));
  } else if (n == "dot_general") {
    flatten(op, "dot_dimension_numbers");
    flatten(op, "algorithm");
    for (const char* list : {"lhs_contracting_dimensions", "rhs_contracting_dimensions"})
      set_default(op, list, integers_attribute({}));
  } else if (n == "custom_call") {
    name_api_version(op, fail);
  } else if (n == "sort") {
    set_default(op, "dimension", integer_attribute(-1));
  }
}

}  // namespace tf2jax::stablehlo
