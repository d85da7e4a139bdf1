// Cells of recurrent nets that TensorFlow computes by one operation, and whole LSTMs of them.
#include "tf2jax/control/scan.h"
#include "tf2jax/ops/dot.h"
#include "tf2jax/ops/elementwise.h"
#include "tf2jax/ops/numpy.h"
#include "tf2jax/ops/shape_ops.h"
#include "tf2jax/tf_import/internal/builtin_ops.h"

namespace tf2jax::tf_import {
namespace {

// What an LSTM cell is made of: w [inputs + units, 4 units], peepholes [units] and b [4 units].
struct LstmWeights {
  Array w, peephole_i, peephole_f, peephole_o, b;
  bool use_peephole = false;
  double forget_bias = 1;
  double cell_clip = 3;        // not positive: none
  const char* gates = "icfo";  // the order of the blocks of w and b
};

// The cell's results in the order of LSTMBlockCell's outputs.
struct LstmState {
  Array i, cs, f, o, ci, co, h;
};

std::int64_t units_of(const Node& n, const Array& w, std::int64_t blocks) {
  const std::int64_t columns = w.shape()[1].value();
  check<ShapeError>(columns % blocks == 0, "the weights must have {} blocks of columns. Got {}.", blocks, w.aval());
  check<ShapeError>(columns > 0, "{}: the cell has no units. Got weights {}.", n.op(), w.aval());
  return columns / blocks;
}

// One step, as the documentation of LSTMBlockCell defines it.
LstmState lstm_step(const LstmWeights& p, const Array& x, const Array& cs_prev, const Array& h_prev) {
  const Array gates = add(matmul(concatenate({x, h_prev}, 1), p.w), p.b);
  const std::int64_t units = p.w.shape()[1].value() / 4;
  const auto gate = [&](char which) {
    const auto k = static_cast<std::int64_t>(std::string_view(p.gates).find(which));
    return slice_in_dim(gates, k * units, (k + 1) * units, 1, 1);
  };
  const auto peep = [&](const Array& to, const Array& weights, const Array& cell) {
    return p.use_peephole ? add(to, mul(cell, weights)) : to;
  };
  LstmState s;
  s.i = sigmoid(peep(gate('i'), p.peephole_i, cs_prev));
  s.f = sigmoid(peep(add(gate('f'), p.forget_bias), p.peephole_f, cs_prev));
  s.ci = tanh(gate('c'));
  s.cs = add(mul(s.ci, s.i), mul(cs_prev, s.f));
  if (p.cell_clip > 0)
    s.cs = clamp(astype(Array(-p.cell_clip), s.cs.dtype()), s.cs, astype(Array(p.cell_clip), s.cs.dtype()));
  s.o = sigmoid(peep(gate('o'), p.peephole_o, s.cs));
  s.co = tanh(s.cs);
  s.h = mul(s.co, s.o);
  return s;
}

// Inputs from `first`: cs_prev, h_prev, w, wci, wcf, wco, b.
LstmWeights lstm_weights(Node& n, std::size_t first) {
  LstmWeights p;
  p.w = n.array(first + 2, 2, 2);
  p.peephole_i = n.array(first + 3, 1, 1);
  p.peephole_f = n.array(first + 4, 1, 1);
  p.peephole_o = n.array(first + 5, 1, 1);
  p.b = n.array(first + 6, 1, 1);
  p.use_peephole = n.attr_or<bool>("use_peephole", false);
  p.cell_clip = n.attr_or<float>("cell_clip", 3.f);
  units_of(n, p.w, 4);
  return p;
}

void check_state(const Node& n, const Array& x, const Array& cs, const Array& h, const Array& w) {
  const Dim units = floordiv(w.shape()[1], 4);
  check<ShapeError>(definitely_equal(x.shape().back() + units, w.shape()[0]).value_or(true) &&
                        definitely_equal(cs.shape()[1], units).value_or(true) &&
                        definitely_equal(h.shape()[1], units).value_or(true),
                    "{}: the shapes do not fit. Got x {}, cs_prev {}, h_prev {} and w {}.", n.op(), x.aval(), cs.aval(),
                    h.aval(), w.aval());
}

// Inputs: x, cs_prev, h_prev, w, wci, wcf, wco, b.
Values lstm_cell(Node& n) {
  LstmWeights p = lstm_weights(n, 1);
  p.forget_bias = n.attr_or<float>("forget_bias", 1.f);
  const Array x = n.array(0, 2, 2), cs = n.array(1, 2, 2), h = n.array(2, 2, 2);
  check_state(n, x, cs, h, p.w);
  const LstmState s = lstm_step(p, x, cs, h);
  return {s.i, s.cs, s.f, s.o, s.ci, s.co, s.h};
}

// Inputs: seq_len_max, x [time, batch, inputs], and those of the cell. Steps from seq_len_max on give zeros.
Values lstm_layer(Node& n) {
  LstmWeights p = lstm_weights(n, 2);
  const bool second = n.op() == "BlockLSTMV2";  // its weights have another order, and its bias no addition
  p.forget_bias = second ? 0 : n.attr_or<float>("forget_bias", 1.f);
  if (second) {
    p.gates = "ifco";
    p.cell_clip = n.attr_or<float>("cell_clip", 0.f);
  }
  const Array x = n.array(1, 3, 3), cs = n.array(2, 2, 2), h = n.array(3, 2, 2), length = n.scalar(0);
  check_state(n, x, cs, h, p.w);
  const std::int64_t steps = x.shape()[0].value();
  const Array numbers = iota(length.dtype(), {Dim(steps)}, 0);
  const Arrays out = scan_flat(
      [&](const Arrays& v) {  // cs, h; x, step
        const LstmState s = lstm_step(p, v[2], v[0], v[1]);
        const Array runs = less(v[3], length);
        Arrays next{where(runs, s.cs, v[0]), where(runs, s.h, v[1])};
        for (const Array* r : {&s.i, &s.cs, &s.f, &s.o, &s.ci, &s.co, &s.h})
          next.push_back(where(runs, *r, zeros_like(*r)));
        return next;
      },
      {cs, h}, {x, numbers}, steps);
  return {out.begin() + 2, out.end()};
}

// Inputs: x, h_prev, w_ru [inputs + units, 2 units], w_c [inputs + units, units], b_ru, b_c. Outputs: r, u, c, h.
Values gru_cell(Node& n) {
  const Array x = n.array(0, 2, 2), h = n.array(1, 2, 2), w_ru = n.array(2, 2, 2), w_c = n.array(3, 2, 2);
  const std::int64_t units = units_of(n, w_ru, 2);
  const Array ru = sigmoid(add(matmul(concatenate({x, h}, 1), w_ru), n.array(4, 1, 1)));
  const Array r = slice_in_dim(ru, 0, units, 1, 1), u = slice_in_dim(ru, units, 2 * units, 1, 1);
  const Array c = tanh(add(matmul(concatenate({x, mul(h, r)}, 1), w_c), n.array(5, 1, 1)));
  return {r, u, c, add(mul(u, h), mul(sub(1, u), c))};
}

}  // namespace

void add_recurrent_operations(ConverterTable& table) {
  table.add("LSTMBlockCell", lstm_cell);
  table.add("BlockLSTM", lstm_layer);
  table.add("BlockLSTMV2", lstm_layer);
  table.add("GRUBlockCell", gru_cell);
}

}  // namespace tf2jax::tf_import
