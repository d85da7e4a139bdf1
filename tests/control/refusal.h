// Programs read from text whose operands may not fit what they call.
#pragma once
#include <gtest/gtest.h>
#include <tf2jax/tf2jax.h>

#include <string>

namespace tf2jax {

// Reads, checks and runs a program; gives the message of its E, and otherwise says what came of it.
template <class E = TypeError>
std::string refusal(const std::string& text) {
  try {
    const Jaxpr program = parse_jaxpr(text);
    check_jaxpr(program);
    Arrays args;
    for (const Aval& a : program.input_avals()) args.push_back(zeros_of(a));
    default_backend().compile(program, {})->run(args);
  } catch (const E& e) {
    return e.what();
  } catch (const Error& e) {
    return std::string("another error: ") + e.what();
  }
  return "no error";
}

}  // namespace tf2jax
