// The exception hierarchy: every failure of the library is one of these.
#pragma once
#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tf2jax {

/// Root of every exception this library throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ValueError : public Error {
 public:
  using Error::Error;
};
class TypeError : public Error {
 public:
  using Error::Error;
};
class LookupError : public Error {
 public:
  using Error::Error;
};
class NotImplementedError : public Error {
 public:
  using Error::Error;
};
/// A value that belongs to a transform was used after that transform ended, or on another thread.
class UnexpectedTracerError : public Error {
 public:
  using Error::Error;
};
/// Inputs of a converted function are missing.
class MissingInputError : public Error {
 public:
  using Error::Error;
};
/// Two symbolic dimensions cannot be compared for all values of their variables.
class InconclusiveDimensionOperation : public Error {
 public:
  using Error::Error;
};
/// File contents are damaged: a checksum, a length or a record is wrong.
class DataLossError : public Error {
 public:
  using Error::Error;
};
/// The operating system refused to read or write a file.
class IoError : public Error {
 public:
  using Error::Error;
};
/// The contents of an array were asked for after it was donated.
class DeletedArrayError : public Error {
 public:
  using Error::Error;
};
/// A budget of `Config` is spent, or memory is: an array, a loop or a model is larger than it may be.
class ResourceExhaustedError : public Error {
 public:
  using Error::Error;
};
/// What the backend needs is missing or failed: a library that cannot be loaded, say.
class BackendError : public Error {
 public:
  using Error::Error;
};
/// A defect of the library itself; its message asks for a report.
class InternalError : public Error {
 public:
  explicit InternalError(const std::string& message) : Error(message + request(message)) {}

 private:
  static const char* request(const std::string& message) {
    const bool asks = message.find("please report it") != std::string::npos;
    return asks ? "" : " This is a defect of the library; please report it.";
  }
};

class ShapeError : public ValueError {
 public:
  using ValueError::ValueError;
};
class AxisError : public ValueError {
 public:
  using ValueError::ValueError;
};
class TreeError : public ValueError {
 public:
  using ValueError::ValueError;
};
class ParseError : public ValueError {
 public:
  using ValueError::ValueError;
};
class DtypeError : public TypeError {
 public:
  using TypeError::TypeError;
};
/// A traced value was asked for its concrete contents.
class ConcretizationError : public TypeError {
 public:
  using TypeError::TypeError;
};
/// A primitive lacks the rule a transform needs.
class MissingRule : public NotImplementedError {
 public:
  using NotImplementedError::NotImplementedError;
};
/// A model uses operations that have no converter.
class UnsupportedOpError : public NotImplementedError {
 public:
  using NotImplementedError::NotImplementedError;
};

/// Converting one node of a model failed.
class ImportError : public ValueError {
 public:
  ImportError(std::string node, std::string op, const std::string& message)
      : ValueError(message), node_(std::move(node)), op_(std::move(op)) {}
  const std::string& node() const { return node_; }
  const std::string& op() const { return op_; }

 private:
  std::string node_, op_;
};

/// Throws `E` with a formatted message.
template <class E = ValueError, class... Args>
[[noreturn]] void raise(fmt::format_string<Args...> format, Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

/// Throws `E` with a formatted message unless `ok`.
template <class E = ValueError, class... Args>
void check(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) [[unlikely]]
    throw E(fmt::format(format, std::forward<Args>(args)...));
}

namespace detail {
/// Base of our fmt formatters: writes plain text and takes no format options, so that `fmt/core.h` alone suffices.
struct TextFormatter {
  template <class ParseContext>
  constexpr auto parse(ParseContext& ctx) {
    return ctx.begin();
  }
  template <class Context>
  static auto write(std::string_view text, Context& ctx) {
    auto out = ctx.out();
    for (const char c : text) *out++ = c;
    return out;
  }
};
}  // namespace detail

}  // namespace tf2jax
