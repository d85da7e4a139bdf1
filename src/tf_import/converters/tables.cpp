// Lookup tables: filled while the model is opened, read when it runs.
#include <charconv>

#include "tf2jax/tf_graph/internal/files.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/interpreter.h"
#include "tf2jax/tf_import/internal/lookup_table.h"

namespace tf2jax::tf_import {
namespace {

LookupTable& table_of(const Node& n) {
  const auto* ref = n.input(0).get_if<TableRef>();
  if (!ref) n.fail(fmt::format("input 0 must be a lookup table. Got {}.", n.input(0).kind()));
  return *ref->table;
}

TensorData data_of(const Node& n, std::size_t i) {
  if (const auto* strings = n.input(i).get_if<StringTensor>()) return *strings;
  Array x = n.array(i);
  check<ConcretizationError>(x.is_concrete(), "a table's keys and values must be known. Got {}.", x.aval());
  return x;
}

Values import(Node& n) {
  n.ignore({"Tin", "Tout", "Tkey", "Tval"});
  table_of(n).insert(data_of(n, 1), data_of(n, 2));
  return {};
}

// One column of each line, or what stands for it: -2 is the line, -1 its number.
TensorData column(const Node& n, const std::vector<std::string>& lines, std::int64_t index, char delimiter,
                  DType number_type, bool is_text) {
  StringTensor texts{{static_cast<std::int64_t>(lines.size())}, {}};
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string_view text = lines[i];
    if (index >= 0) {
      for (std::int64_t k = 0; k < index; ++k) {
        const auto end = text.find(delimiter);
        if (end == std::string_view::npos) n.fail(fmt::format("line {} has no column {}.", i + 1, index));
        text.remove_prefix(end + 1);
      }
      text = text.substr(0, text.find(delimiter));
    }
    if (is_text) {
      texts.values.emplace_back(text);
      continue;
    }
    std::int64_t value = static_cast<std::int64_t>(i);
    if (index != -1) {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size())
        n.fail(fmt::format("line {} has '{}' where a number is expected.", i + 1, text));
    }
    numbers.push_back(value);
  }
  if (is_text) return texts;
  return known_integers(numbers, {static_cast<std::int64_t>(numbers.size())}, number_type);
}

// Inputs: table, file name. Files are the model's assets.
Values import_file(Node& n) {
  const auto key = n.attr_integer("key_index", -2), value = n.attr_integer("value_index", -2);
  const auto most = n.attr_integer("vocab_size", -1), skipped = n.attr_integer("offset", 0);
  const auto delimiter = n.attr_or<std::string>("delimiter", "\t");
  check(delimiter.size() == 1, "the delimiter must be one character. Got '{}'.", delimiter);
  const auto& saved = n.interpreter().model().saved;
  if (!saved) n.fail("a table's file is an asset of a SavedModel, and the graph has none.");
  const StringTensor& name = n.strings(1);
  if (name.values.size() != 1) n.fail("one file name is expected.");
  const std::filesystem::path file = std::filesystem::path(name.values[0]).filename();  // TF1 keeps its own folder
  const std::string text =
      detail::read_file(detail::join_below(saved->directory() / "assets", file.string(), "a table's file"));
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    if (lines.back().ends_with('\r')) lines.back().pop_back();
    begin = end + 1;
  }
  lines.erase(lines.begin(), lines.begin() + std::min<std::ptrdiff_t>(skipped, std::ssize(lines)));
  if (most >= 0 && std::ssize(lines) > most) lines.resize(most);
  // The types are the table's; a column of numbers is the other one's.
  const bool key_is_text = key != -1, value_is_text = value == -2 || (value >= 0 && key == -1);
  table_of(n).insert(column(n, lines, key, delimiter[0], DType::i64, key_is_text),
                     column(n, lines, value, delimiter[0], DType::i64, value_is_text));
  return {};
}

Values find(Node& n) {
  n.ignore({"Tin", "Tout"});
  return {table_of(n).find(n.input(1), n.input(2))};
}

Values size(Node& n) {
  const std::int64_t count[] = {table_of(n).size()};
  return {Value(known_integers(count, {}, DType::i64), true)};
}

// A table of the graph itself, which the model filled when it was opened.
Values handle(Node& n) {
  n.ignore({"container", "shared_name", "use_node_name_sharing", "key_dtype", "value_dtype", "value_shape",
            "initial_num_buckets", "max_load_factor"});
  const auto& tables = n.interpreter().model().tables;
  const auto it = tables.find(n.name());
  if (it == tables.end()) n.fail("nothing fills the table.");
  return {TableRef{it->second}};
}

}  // namespace

void add_table_operations(ConverterTable& table) {
  const OpTraits fills{.has_effect = true, .has_no_value = true};
  for (const char* op : {"LookupTableImportV2", "LookupTableImport", "InitializeTableV2", "InitializeTable"})
    table.add(op, import, fills);
  for (const char* op : {"InitializeTableFromTextFileV2", "InitializeTableFromTextFile"})
    table.add(op, import_file, fills);
  for (const char* op : {"LookupTableFindV2", "LookupTableFind"}) table.add(op, find);
  for (const char* op : {"LookupTableSizeV2", "LookupTableSize"}) table.add(op, size);
  for (const char* op : {"HashTableV2", "HashTable", "MutableHashTableV2"})
    table.add(op, handle, {.has_no_value = true});
}

}  // namespace tf2jax::tf_import
