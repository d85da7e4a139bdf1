// Random numbers: keys, bits exactly, samples up to the rounding of the functions they go through.
#include "execution.h"
#include "expression.h"
#include "runners.h"
#include "tf2jax/base/config.h"
#include "tf2jax/ops/random.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/trace/jaxpr.h"
#include "tf2jax/trace/parse.h"

namespace conformance {

using namespace tf2jax;

namespace {

// Keys for arrays of seeds, as raw data.
Array raw_keys(const Array& seeds) { return random::key_data(random::key(seeds)); }

// A sampler's numbers pass through log, erf_inv and the like, whose last digits differ.
Tolerance sample_tolerance(const std::string& source, const Array& want) {
  if (!is_inexact(want.dtype())) return {.exact = true};
  const bool plain = source.find("random.uniform") != std::string::npos;
  if (plain) return {.scale = itemsize(real_dtype(want.dtype())) <= 2 ? 1.0 : 0.1, .pointwise = false};
  // Half-precision samplers round after every step, and the recorded ones only at the end.
  return {.scale = itemsize(real_dtype(want.dtype())) <= 2 ? 4.0 : 2.0};
}

}  // namespace

void run_prng_case(const Golden& golden, const json& c, const Options& options, CaseResult& result) {
  const bool x64 = c.value("x64", true);
  Config config = tf2jax::config();
  config.enable_x64 = x64;
  config.threefry_partitionable = c.value("partitionable", true);
  const ConfigScope scope(config);
  const std::string op = c.at("op").get<std::string>();
  const Array key = golden.array(c.at("key"));
  if (op == "PRNGKey") {
    result.part("outputs", [&] {
      if (c.contains("seed_array")) {
        result.check("outputs", raw_keys(golden.array(c.at("seed_array"), !x64)), key, {.exact = true});
      } else {
        const json& seed = c.at("seed");
        const std::int64_t value = seed.is_string() ? std::stoll(seed.get<std::string>()) : seed.get<std::int64_t>();
        result.check("outputs", random::raw_key(value), key, {.exact = true});
      }
      if (c.contains("bits")) {
        const Array want = golden.array(c.at("bits"));
        result.check("outputs", random::bits(key, want.shape(), want.dtype()), want, {.exact = true}, "bits");
      }
    });
    return;
  }
  if (op == "threefry_2x32") {
    result.part("outputs", [&] {
      // The hash of a vector: its two halves, an odd one padded by a zero.
      const Array x = golden.array(c.at("inputs")[0]);
      const std::int64_t n = x.size(), half = (n + 1) / 2;
      const Array padded = n % 2 ? pad(x, {{0, 1}}) : x;
      const Arrays h = threefry2x32_p().bind(
          {key[0], key[1], slice_in_dim(padded, 0, half, 1, 0), slice_in_dim(padded, half, 2 * half, 1, 0)});
      result.check("outputs", slice_in_dim(concatenate({h[0], h[1]}, 0), 0, n, 1, 0), golden.array(c.at("outputs")[0]),
                   {.exact = true});
    });
    return;
  }
  const std::string source = c.value("source", "");
  const Arrays want = golden.arrays(c.at("outputs"));
  result.part("outputs", [&] {
    result.check("outputs",
                 array_of(function_of(evaluate(source, sampler_module))({.positional = {Value{key}}, .named = {}})),
                 want[0], sample_tolerance(source, want[0]));
  });
  if (c.contains("jaxpr")) {
    CaseResult program;  // the recorded program, where all of it is known and none of its constants is needed
    program.part("jaxpr", [&] {
      const Jaxpr j = parse_jaxpr(c.at("jaxpr").get<std::string>());
      if (!j->constvars.empty()) throw Unsupported("constants");
      parts(options, "jaxpr", program, [&](Execution how, const std::string& name) {
        program.check_all(name, run([&](const Arrays& xs) { return eval_jaxpr(j, xs); }, {key}, how), want,
                          sample_tolerance(source, want[0]));
      });
    });
    for (const auto& f : program.failures()) result.fail(f.what, f.message);
  }
}

}  // namespace conformance
