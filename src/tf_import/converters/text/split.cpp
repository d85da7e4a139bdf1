// Texts taken apart into words and put together from them.
#include <algorithm>

#include "tf2jax/base/limits.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/converters/text/internal/text_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"
#include "tf2jax/tf_import/internal/text_budget.h"

namespace tf2jax::tf_import {
namespace {

using Integers = std::vector<std::int64_t>;
using Words = std::vector<std::string_view>;

// The words of each text as a sparse matrix.
Values as_matrix(const std::vector<Words>& rows) {
  Integers indices;
  StringTensor words;
  TextBudget budget;
  std::int64_t widest = 0;
  for (std::int64_t row = 0; row < std::ssize(rows); ++row) {
    for (std::int64_t column = 0; column < std::ssize(rows[row]); ++column) {
      indices.insert(indices.end(), {row, column});
      budget.spend(rows[row][column]);
      words.values.emplace_back(rows[row][column]);
    }
    widest = std::max(widest, std::ssize(rows[row]));
  }
  words.dims = {std::ssize(words.values)};
  const std::int64_t shape[] = {std::ssize(rows), widest};
  return {Value(known_integers(indices, {words.dims[0], 2}, DType::i64), true), words,
          Value(known_integers(shape, {2}, DType::i64), true)};
}

std::string_view without_spaces(std::string_view text) {
  return {std::ranges::find_if_not(text, is_space), text.end()};
}

// What is not space; with `most` cuts, the rest is the last word.
Words words_of(std::string_view text, std::int64_t most) {
  Words words;
  for (text = without_spaces(text); !text.empty(); text = without_spaces(text)) {
    const bool last = most >= 0 && std::ssize(words) == most;
    const auto end = last ? text.size() : std::ranges::find_if(text, is_space) - text.begin();
    words.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return words;
}

Words pieces_of(std::string_view text, std::string_view separator, std::int64_t most) {
  Words pieces;
  while (true) {
    const auto end = most >= 0 && std::ssize(pieces) == most ? text.npos : text.find(separator);
    pieces.push_back(text.substr(0, end));
    if (end == text.npos) return pieces;
    text.remove_prefix(end + separator.size());
  }
}

Values split(Node& n) {
  const auto most = n.attr_or<std::int64_t>("maxsplit", -1);
  const StringTensor &texts = n.strings(0), &separators = n.strings(1);
  if (separators.values.size() != 1) n.fail("one separator is expected.");
  const std::string& separator = separators.values[0];
  std::vector<Words> rows;
  rows.reserve(texts.values.size());
  for (const auto& text : texts.values)
    rows.push_back(separator.empty() ? words_of(text, most) : pieces_of(text, separator, most));
  return as_matrix(rows);
}

// Each byte of the delimiter ends a word; without one, each byte is a word.
Values split_at_bytes(Node& n) {
  const bool skip_empty = n.attr_or<bool>("skip_empty", true);
  const StringTensor &texts = n.strings(0), &delimiters = n.strings(1);
  if (delimiters.values.size() != 1) n.fail("one text of delimiters is expected.");
  const std::string& delimiter = delimiters.values[0];
  std::vector<Words> rows;
  for (const std::string_view text : texts.values) {
    Words& words = rows.emplace_back();
    for (std::size_t begin = 0; begin <= text.size() && !text.empty();) {
      const auto end = delimiter.empty() ? begin + 1 : std::min(text.find_first_of(delimiter, begin), text.size());
      const auto word = text.substr(begin, end - begin);
      if (!word.empty() || (!skip_empty && !delimiter.empty())) words.push_back(word);
      begin = delimiter.empty() ? end : end + 1;
    }
  }
  return as_matrix(rows);
}

// ---- n-grams

struct Grams {
  std::string separator, left, right;
  std::int64_t pad;  // on each side at most; negative: as much as fits
  TextBudget budget = {};

  std::int64_t padding(std::int64_t width) const { return std::min(pad < 0 ? width - 1 : pad, width - 1); }
  std::int64_t count(std::int64_t words, std::int64_t width) const {
    return std::max<std::int64_t>(0, words + 2 * padding(width) - width + 1);
  }

  // Adds those of one width, whose cost is known before the first is made.
  void add(std::span<const std::string> words, std::int64_t width, std::int64_t number, std::vector<std::string>& to) {
    budget.spend(number, width * (std::ssize(separator) + 1));
    for (std::int64_t i = 0; i < number; ++i) to.push_back(gram(words, width, i));
  }

 private:
  // The `index`-th gram of the padded words.
  std::string gram(std::span<const std::string> words, std::int64_t width, std::int64_t index) {
    std::string out;
    const std::int64_t first = index - padding(width);
    for (std::int64_t i = first; i < first + width; ++i) {
      const std::string& word = i < 0 ? left : i < std::ssize(words) ? words[i] : right;
      budget.spend(std::ssize(word));
      if (i > first) out += separator;
      out += word;
    }
    return out;
  }
};

// Inputs: words, the splits of their rows. Outputs: runs of words as texts, their splits.
Values ngrams(Node& n) {
  n.ignore({"Tsplits"});
  const auto widths = n.attr<Integers>("ngram_widths");
  check(std::ranges::all_of(widths, [](auto w) { return w > 0 && w <= Node::kHighest; }),
        "the widths must be positive. Got {}.", tuple_string(widths));
  Grams grams{n.attr<std::string>("separator"), n.attr<std::string>("left_pad"), n.attr<std::string>("right_pad"),
              n.attr_integer("pad_width", -1)};
  const bool keeps_short = n.attr<bool>("preserve_short_sequences");
  const StringTensor& words = n.strings(0);
  const Integers splits = n.integers(1);
  const bool ok =
      splits.empty() || (splits[0] == 0 && std::ranges::is_sorted(splits) && splits.back() == std::ssize(words.values));
  check(ok, "the splits must lead from 0 to the number of words and not fall. Got {} for {}.", tuple_string(splits),
        words.to_string());
  StringTensor out;
  Integers ends;
  if (!splits.empty()) ends.push_back(0);
  for (std::size_t row = 0; row + 1 < splits.size(); ++row) {
    const std::int64_t size = splits[row + 1] - splits[row];
    const std::span<const std::string> part(words.values.data() + splits[row], size);
    const std::int64_t before = std::ssize(out.values);
    for (const auto width : widths) grams.add(part, width, grams.count(size, width), out.values);
    // With padding as wide as a gram, every row has one.
    if (keeps_short && grams.pad >= 0 && size > 0 && std::ssize(out.values) == before)
      grams.add(part, size + 2 * grams.pad, 1, out.values);
    ends.push_back(std::ssize(out.values));
  }
  out.dims = {std::ssize(out.values)};
  const DType type = n.attr_or<DType>("Tsplits", i64);
  return {out, Value(known_vector(ends, type), true)};
}

// ---- joining

void append(std::string& to, bool first, std::string_view separator, std::string_view text, TextBudget& budget) {
  budget.spend(std::ssize(separator) + std::ssize(text));
  if (!first) to += separator;
  to += text;
}

// Along axes, the first of which is the outermost.
Values reduce_join(Node& n) {
  const bool keep = n.attr_or<bool>("keep_dims", false);
  const auto separator = n.attr_or<std::string>("separator", "");
  const StringTensor& x = n.strings(0);
  n.axes(1, std::ssize(x.dims));  // each once
  Axes axes;
  for (const std::int64_t a : n.integers(1)) axes.push_back(normalize_axis(a, std::ssize(x.dims), n.op()));
  if (axes.empty()) return {x};
  Axes order;
  StringTensor out;
  std::int64_t inner = 1;
  for (std::int64_t i = 0; i < std::ssize(x.dims); ++i) {
    const bool joined = std::ranges::find(axes, i) != axes.end();
    if (!joined) order.push_back(i);
    if (joined) inner *= x.dims[i];
    if (!joined || keep) out.dims.push_back(joined ? 1 : x.dims[i]);
  }
  order.insert(order.end(), axes.rbegin(), axes.rend());  // what is joined first lies innermost
  const Array places = iota(i32, {Dim(std::ssize(x.values))}, 0);
  const auto from = transpose(reshape(places, symbolic(x.dims)), order).to_vector<std::int32_t>();
  TextBudget budget;
  check_sizes(out.dims, n.op());
  budget.spend_strings(num_elements(out.dims));
  out.values.resize(num_elements(out.dims));
  for (std::int64_t i = 0; i < std::ssize(from); ++i)
    append(out.values[i / inner], i % inner == 0, separator, x.values[from[i]], budget);
  return {out};
}

// Inputs: texts, the segment of each row, how many there are.
Values segment_join(Node& n) {
  const auto separator = n.attr_or<std::string>("separator", "");
  const StringTensor& x = n.strings(0);
  const Integers segments = n.integers(1);
  const std::int64_t count = n.integer(2, 0);
  const Dims rows = concrete(n.shape_of(1));
  const bool fits = rows.size() <= x.dims.size() && std::equal(rows.begin(), rows.end(), x.dims.begin());
  check<ShapeError>(fits, "the segments must have the leading axes of the texts. Got {} for {}.", tuple_string(rows),
                    x.to_string());
  StringTensor out{{count}, {}};
  out.dims.insert(out.dims.end(), x.dims.begin() + std::ssize(rows), x.dims.end());
  TextBudget budget;
  check_sizes(out.dims, n.op());
  budget.spend_strings(num_elements(out.dims));
  out.values.resize(num_elements(out.dims));
  const std::int64_t width = segments.empty() ? 0 : std::ssize(x.values) / std::ssize(segments);
  std::vector<bool> begun(count);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::int64_t s = segments[i];
    check(s < count, "a segment is out of range. Got {} of {}.", s, count);
    if (s < 0) continue;
    for (std::int64_t k = 0; k < width; ++k)
      append(out.values[s * width + k], !begun[s], separator, x.values[i * width + k], budget);
    begun[s] = true;
  }
  return {out};
}

}  // namespace

void add_split_operations(ConverterTable& table) {
  table.add("StringSplitV2", split);
  table.add("StringSplit", split_at_bytes);
  table.add("StringNGrams", ngrams);
  table.add("ReduceJoin", reduce_join);
  table.add("UnsortedSegmentJoin", segment_join);
}

}  // namespace tf2jax::tf_import
