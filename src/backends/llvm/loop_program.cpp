// The text of kernels, and the loading of the code generator.
#include "tf2jax/backends/llvm/loop_program.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tf2jax/backends/llvm/code_pages.h"
#include "tf2jax/backends/llvm/codegen/interface.h"
#include "tf2jax/backends/llvm/op_names.h"
#include "tf2jax/base/buffer_pool.h"
#include "tf2jax/base/error.h"
#include "tf2jax/trace/backend.h"

namespace tf2jax::loops {

namespace {

namespace fs = std::filesystem;

std::string text(const Affine& at) {
  std::string out;
  for (const auto& [var, coefficient] : at.terms) {
    if (!out.empty()) out += " + ";
    out += coefficient == 1 ? fmt::format("i{}", var) : fmt::format("{}*i{}", coefficient, var);
  }
  if (out.empty()) return fmt::format("{}", at.offset);
  if (at.offset != 0) out += fmt::format(" + {}", at.offset);
  return out;
}

class Printer {
 public:
  explicit Printer(const Kernel& kernel) : kernel_(kernel) {}

  std::string run() {
    out_ = fmt::format("kernel {}", kernel_.name);
    if (!kernel_.parallel.empty()) {
      out_ += kernel_.parallel_lanes ? " lanes(" : " parallel(";
      for (std::size_t i = 0; i < kernel_.parallel.size(); ++i) out_ += fmt::format("{}i{} < {}", i ? ", " : "", i, kernel_.parallel[i]);
      out_ += ")";
    }
    out_ += "\n";
    for (std::size_t i = 0; i < kernel_.buffers.size(); ++i) {
      const Buffer& b = kernel_.buffers[i];
      out_ += fmt::format("  b{}: {}[{}]{}{}\n", i, short_name(b.dtype), b.elements, b.written ? " written" : "", b.scratch ? " scratch" : "");
    }
    for (std::size_t i = 0; i < kernel_.accumulators.size(); ++i) {
      const Accumulator& a = kernel_.accumulators[i];
      out_ += fmt::format("  a{}: {} {} from {:#x}{}\n", i, short_name(a.dtype), op_name(a.combine), a.initial, a.running ? " running" : "");
    }
    block(kernel_.body, 2);
    return std::move(out_);
  }

 private:
  std::string operand(NodeId id) const {
    const Node& n = kernel_.nodes[static_cast<std::size_t>(id)];
    return n.op == Op::constant ? fmt::format("{:#x}", n.bits) : fmt::format("%{}", id);
  }

  std::string element(BufferId buffer, const Affine& at, const std::vector<std::pair<NodeId, std::int64_t>>& dynamic) const {
    std::string s = fmt::format("b{}[{}", buffer, text(at));
    for (const auto& [index, scale] : dynamic) s += fmt::format(" + {}*{}", scale, operand(index));
    return s + "]";
  }

  std::string node(NodeId id) const {
    const Node& n = kernel_.nodes[static_cast<std::size_t>(id)];
    std::string s = fmt::format("%{}: {} = {}", id, short_name(n.dtype), op_name(n.op));
    switch (n.op) {
      case Op::constant: return s + fmt::format(" {:#x}", n.bits);
      case Op::index: return s + " " + text(n.at);
      case Op::in_range: return s + fmt::format(" {} < {}", text(n.at), n.extent);
      case Op::read: return s + fmt::format(" a{}", n.accumulator);
      case Op::get: return s + fmt::format(" c{}", n.cell);
      case Op::load:
        return s + " " + element(n.buffer, n.at, n.dynamic) + (n.in[0] >= 0 ? " if " + operand(n.in[0]) : "");
      default: break;
    }
    for (const NodeId in : n.in)
      if (in >= 0) s += " " + operand(in);
    return s;
  }

  void block(const Block& body, int depth) {
    const std::string indent(static_cast<std::size_t>(depth), ' ');
    for (const Statement& s : body) {
      out_ += indent;
      if (const auto* e = std::get_if<Eval>(&s.what)) out_ += node(e->node);
      else if (const auto* st = std::get_if<Store>(&s.what))
        out_ += fmt::format("{} = {}{}{}", element(st->buffer, st->at, st->dynamic), operand(st->value), st->mask >= 0 ? " if " + operand(st->mask) : "", st->streaming ? " streaming" : "");
      else if (const auto* r = std::get_if<Reset>(&s.what)) out_ += fmt::format("reset a{}", r->accumulator);
      else if (const auto* a = std::get_if<Accumulate>(&s.what)) out_ += fmt::format("a{} <- {}", a->accumulator, operand(a->value));
      else if (const auto* c = std::get_if<Set>(&s.what)) out_ += fmt::format("c{} = {}", c->cell, operand(c->value));
      else if (const auto* l = std::get_if<Loop>(&s.what)) {
        out_ += fmt::format("{} i{} < {}\n", l->lanes ? "lanes" : "for", l->var, l->extent);
        block(l->body, depth + 2);
        continue;
      } else if (const auto* w = std::get_if<While>(&s.what)) {
        out_ += "while\n";
        block(w->condition, depth + 2);
        out_ += fmt::format("{}{} do\n", indent, operand(w->test));
        block(w->body, depth + 2);
        continue;
      } else {
        const If& i = std::get<If>(s.what);
        out_ += fmt::format("if {}\n", operand(i.test));
        block(i.yes, depth + 2);
        out_ += indent + "else\n";
        block(i.no, depth + 2);
        continue;
      }
      out_ += "\n";
    }
  }

  const Kernel& kernel_;
  std::string out_;
};

// Where the module may be: named by the user, beside this code, where the loader looks (a program linked to the installed
// library has its folder in the run path), in the build tree, or installed.
std::vector<fs::path> candidates() {
  if (const char* named = std::getenv("TF2JAX_CODEGEN_LIBRARY")) return {named};
  std::vector<fs::path> out;
  const auto add = [&](const fs::path& file) {
    if (std::ranges::find(out, file) == out.end()) out.push_back(file);
  };
  const auto beside = [&](const fs::path& file) {
    const fs::path folder = file.parent_path();
    add(folder / TF2JAX_CODEGEN_FILE);
    add(folder.parent_path() / TF2JAX_CODEGEN_LIBDIR / "tf2jax" / TF2JAX_CODEGEN_FILE);
    add(folder.parent_path() / "lib" / "tf2jax" / TF2JAX_CODEGEN_FILE);
    add(folder / "tf2jax" / TF2JAX_CODEGEN_FILE);
  };
  std::error_code ignored;
  Dl_info here{};
  if (dladdr(reinterpret_cast<void*>(&code_generator), &here) && here.dli_fname) beside(fs::absolute(here.dli_fname, ignored));
  beside(fs::read_symlink("/proc/self/exe", ignored));
  add(TF2JAX_CODEGEN_FILE);
  add(fs::path(TF2JAX_CODEGEN_BUILD_DIR) / TF2JAX_CODEGEN_FILE);
  add(fs::path(TF2JAX_CODEGEN_INSTALL_DIR) / TF2JAX_CODEGEN_FILE);
  return out;
}

CodeGenerator& load() {
  std::string tried;
  for (const fs::path& path : candidates()) {
    std::error_code ignored;
    if (path.has_parent_path() && !fs::exists(path, ignored)) {
      tried += "\n  " + path.string() + ": no such file";
      continue;
    }
    // Local: another copy of LLVM in the process must not answer for this one.
    void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char* why = dlerror();
      tried += "\n  " + path.string() + ": " + (why ? why : "cannot be loaded");
      continue;
    }
    const auto factory = reinterpret_cast<CodegenFactory>(dlsym(handle, kCodegenFactory));
    const char* error = "it is not a code generator of tf2jax";
    CodeGenerator* generator = factory ? factory(kCodegenInterface, &error) : nullptr;
    if (generator) {
      // Between compilations its code, some 20 MiB of it touched, is of no use.
      static const void* const code = reinterpret_cast<const void*>(factory);
      when_memory_grows([] { forget_code_pages(code); });
      return *generator;
    }
    tried += "\n  " + path.string() + ": " + error;
    dlclose(handle);
  }
  raise<MissingCompiler>(
      "code_generator: the compiler module was not found. Tried:{}\n"
      "  Build the target tf2jax_codegen (it needs LLVM 19: llvm-19-dev), or set TF2JAX_CODEGEN_LIBRARY to its file.", tried);
}

}  // namespace

std::string to_string(const Kernel& kernel) { return Printer(kernel).run(); }

CodeGenerator& code_generator() {
  static CodeGenerator& generator = load();
  return generator;
}

}  // namespace tf2jax::loops
