// exp and what is made of it, on floats and doubles.
#include "tf2jax/compiler/codegen/math/internal/functions.h"

namespace tf2jax::codegen {

namespace {

bool single(const Vec& x) { return x.bits() == 32; }

// (exp(r) - 1 - r) / r^2 on [-ln2/2, ln2/2]. Floats: Cephes' expf.
Vec exp_tail(const Vec& r) {
  if (single(r))
    return poly(r, {1.98756915e-4, 1.39819995e-3, 8.33345205e-3, 4.16657962e-2, 1.66666657e-1, 5.00000000e-1});
  return poly(r, {2.51180296663066121e-8, 2.76313686713663354e-7, 2.7557215719105391e-6, 0.0000248014897352865026,
                  0.000198412699181058185, 0.00138888889471677818, 0.00833333333330683377, 0.0416666666665150728,
                  0.166666666666666997, 0.500000000000001274});
}

// x = n ln2 + r. The high part of ln2 has trailing zeros, so that n * high is exact.
struct Reduced {
  Vec r, n;
};
Reduced reduce(const Vec& x) {
  const Vec n = nearest(x, std::numbers::log2e).value;
  if (single(x)) return {fma(n, -1.42860677e-6, fma(n, -0.693145752, x)), n};
  return {fma(n, -5.4979230187083711747e-14, fma(n, -0x1.62e42fefa38p-1, x)), n};
}

Vec clamped(const Vec& x, double low, double high) {  // NaN passes both comparisons
  const Vec below = select(x > high, high, x);
  return select(below < low, low, below);
}

}  // namespace

Rounded nearest(const Vec& x, double factor, double shift) {
  const double magic = single(x) ? 0x1.8p23 : 0x1.8p52;  // its unit in the last place is 1
  const Vec t = fma(x, factor, magic + shift);
  return {t - (magic + shift), to_bits(t)};
}

Vec exp_in_range(const Vec& x) {
  const auto [r, n] = reduce(x);
  return scale(fma(exp_tail(r), r * r, r) + 1.0, n);
}

// 1.0 ulp. The limits lie where the result has overflowed or vanished.
Vec exp_of(const Vec& x) { return exp_in_range(single(x) ? clamped(x, -104.5, 89.0) : clamped(x, -746.0, 710.0)); }

// 1.0 ulp. x = n + r; the product r ln2 is kept in two parts where floats would lose half a digit.
Vec exp2_of(const Vec& x) {
  const Vec c = single(x) ? clamped(x, -151.0, 129.0) : clamped(x, -1076.0, 1025.0);
  const Vec n = nearest(c, 1.0).value, r = c - n;
  if (single(x)) {
    const Vec p = poly(r, {0.0001547621556, 0.001339993789, 0.009618004372, 0.05550328936, 0.2402265134, 0.6931472054});
    return scale(fma(p, r, 1.0), n);
  }
  const Vec h = r * std::numbers::ln2;
  const Vec low = fma(r, 2.3190468138462995584e-17, fma(r, std::numbers::ln2, -h));
  return scale(h + fma(exp_tail(h), h * h, low) + 1.0, n);
}

Vec exp2_sum(const Vec& high, const Vec& low) {
  const Vec n = nearest(high, 1.0).value, first = high - n, r = first + low, lost = low - (r - first),
            h = r * std::numbers::ln2;
  const Vec rest = fma(r, 2.3190468138462995584e-17, fma(r, std::numbers::ln2, -h)) + lost * std::numbers::ln2;
  return scale(h + fma(exp_tail(h), h * h, rest) + 1.0, n);
}

// 1.5 ulp. 2^n (expm1(r) + 1 - 2^-n); below the lower limit the result is -1.
Vec expm1_of(const Vec& x) {
  const Vec c = single(x) ? clamped(x, -18.0, 89.0) : clamped(x, -38.0, 710.0);
  const auto [r, n] = reduce(c);
  const Vec p = fma(exp_tail(r), r * r, r);
  const Vec y = scale(p + (1.0 - scale(n.constant(1.0).like(n), -n)), n);
  return select(abs(x) < (single(x) ? 1e-8 : 1e-17), x, y);  // keeps -0
}

// 1.4 ulp: an odd polynomial below 0.625, above it 1 - 2 e / (1 + e) with e = exp(-2|x|).
Vec tanh_of(const Vec& x) {
  const Vec a = abs(x), z = x * x;
  const double limit = single(x) ? 10.0 : 20.0;
  const Vec e = exp_in_range(select(a > limit, -2.0 * limit, a * -2.0));
  const Vec large = quotient(e * -2.0, e + 1.0) + 1.0;
  const Vec p =
      single(x)
          ? poly(z, {-0.005709632558, 0.02064383621, -0.05374142524, 0.1333146731, -0.3333328316})
          : poly(z, {-0.0000160728610174111366, 0.0000771450151305154526, -0.000228564835983087351,
                     0.000586316881715832524, -0.0014549589943165451, 0.00359198919944120976, -0.00886322100628880291,
                     0.0218694875764243754, -0.0539682539312853519, 0.133333333332621407, -0.333333333333328558});
  return copysign(select(a < 0.625, fma(p * z, a, a), large), x);
}

// 2.0 ulp, down to the subnormal results. exp(-|x|) cannot overflow. The rounding error of 1 + e would go past that.
Vec logistic_of(const Vec& x) {
  const Vec a = abs(x);
  const double limit = single(x) ? -104.5 : -746.0;
  const Vec e = exp_in_range(select(a > -limit, limit, -a));
  const Vec n = select(x < 0.0, e, x.constant(1.0)), d = e + 1.0;
  const Vec q = quotient(n, d);
  return fma((d - 1.0) - e, q, q);
}

namespace {
// exp(|x|) / 2 without overflow where the result has none.
Vec half_exp(const Vec& x) {
  const Vec a = abs(x);
  const double limit = single(x) ? 90.0 : 711.0;
  const auto [r, n] = reduce(select(a > limit, limit, a));
  return scale(fma(exp_tail(r), r * r, r) + 1.0, n - 1.0);
}
}  // namespace

// 1.6 ulp. Doubles below 1: the Taylor series.
Vec sinh_of(const Vec& x) {
  const Vec e = half_exp(x), z = x * x;
  const Vec p = single(x) ? poly(z, {2.816910666e-6, 0.0001983616825, 0.008333350003, 0.166666665})
                          : poly(z, {1.0 / 121645100408832000, 1.0 / 355687428096000, 1.0 / 1307674368000,
                                     1.0 / 6227020800, 1.0 / 39916800, 1.0 / 362880, 1.0 / 5040, 1.0 / 120, 1.0 / 6});
  const Vec small = fma(p * z, x, x);
  return select(abs(x) < 1.0, small, copysign(e - 0.25 / e, x));
}
// 1.5 ulp.
Vec cosh_of(const Vec& x) {
  const Vec e = half_exp(x);
  return e + 0.25 / e;
}

// 1.1 ulp: an odd polynomial below 0.92, above it 1 - exp(polynomial); 1 from 4 on.
Vec erf_of(const Vec& x) {
  const Vec a = abs(x), z = x * x;
  const Vec small =
      fma(poly(z, {-0.0005976893105, 0.00499098284, -0.02676557163, 0.1128180303, -0.3761249436, 0.12837915}), a, a);
  const Vec t = select(a > 4.0, 4.0, a);
  const Vec g = poly(
      t, {1.114698545e-5, -0.0003218898039, 0.003638439654, -0.02375288813, 0.1062254133, 0.635158752, 0.128646534});
  return copysign(select(a < 0.92, small, 1.0 - exp_in_range(-fma(g, t, t))), x);
}

// 0.6 ulp, in doubles: exp(-x^2) / (1 + 2x) times a polynomial of (x - 3) / (x + 3), which maps [0, inf) to [-1, 1).
Vec erfc_of(const Vec& x) {
  const Vec d = widen(x), a = abs(d), c = select(a > 10.3, 10.3, a);
  const Vec p =
      poly((c - 3.0) / (c + 3.0),
           {3.2961628298992974e-5, 0.00012627707733771155, -0.00012709298779855882, -0.00078989104707286439,
            0.0018945530541792039, 0.0025335913557753527, -0.023771117040710076, 0.068307348128402102,
            -0.1192736473639604, 0.1296452029316731, -0.047562294087157915, -0.13562110693985361, 1.2530080582674001});
  const Vec tail = exp_in_range(-(c * c)) * p / fma(c, 2.0, 1.0);
  return narrow(select(d < 0.0, 2.0 - tail, tail));
}

// 1.6 ulp: x times a polynomial of w = -log(1 - x^2) or, far out, of its root, as Giles ("Approximating the erfinv
// function", GPU Computing Gems, 2011) with own fits. 1 - x^2 is rounded once, so that the tails keep their digits.
Vec erf_inv_of(const Vec& x) {
  const Vec w = -log_positive(fma(-x, x, x.of(1.0))), near = w - 0.9283312559127808;
  Vec p = poly(near, {3.206436783e-10, -1.382864578e-08, 1.782591852e-07, -6.948810665e-07, -4.021654604e-06,
                      4.010916746e-05, 8.60829532e-05, -0.002403149148, 0.004764604382, 0.2471868396, 1.109635234});
  const Vec far = w > 5.0;
  Branch rare(x.ir(), any(far));
  const Vec root = sqrt(w) - 3.1213173866271973;
  p = rare.finish(
      p, select(far,
                poly(root, {0.0001161298787, -0.0001816754375, -0.0002971908543, 0.001323681441, -0.002560597379,
                            0.003826721571, -0.005355235189, 0.007107976358, 1.00366652, 2.954623938}),
                p));
  const Vec a = abs(x);
  return select(a < 1.0, p * x,
                select(a == 1.0, copysign(x.of(std::numeric_limits<double>::infinity()).like(x), x),
                       x.of(std::numeric_limits<double>::quiet_NaN())));
}

namespace {

// erfc(a) for a >= 0, as exp(-a^2) (1 + p) / (1 + 2a) with p a polynomial of (a - 4) / (a + 4) (Shepherd and
// Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x"). Both quotients are corrected by their
// remainders, and a^2 is a pair.
Vec erfc_positive(const Vec& x) {
  const Vec a = select(x > 27.3, 27.3, x);
  const Vec inverse = 1.0 / (a + 4.0), about = (a - 4.0) * inverse;
  const Vec q = fma(inverse, fma(-a, about, fma(about + 1.0, -4.0, a)), about);
  const Vec p =
      poly(q, {-1.7987418323024215e-09, -1.3662083641572592e-08, -7.880548645108817e-09, 1.1517106370147504e-07,
               6.298864063582062e-08,   -8.347426722823501e-07,  3.0115691343075035e-07, 5.717450665827405e-06,
               -1.1224745180808675e-05, -2.440291670812242e-05,  0.00015062225928439432, -0.00019925559519272653,
               -0.0007577733534837347,  0.0050319697744459595,   -0.01619773405600795,   0.03716751556016107,
               -0.06633036581191414,    0.09373283499695505,     -0.10103906603632995,   0.0680970542547322,
               0.015379652102620272,    -0.13962111684056283,    0.2329951186255525});
  const Vec share = 1.0 / fma(a, 2.0, 1.0), g0 = fma(p, share, share);
  const Vec rest = ((p - g0) + fma(g0, a * -2.0, 1.0)) * share, g = g0 + rest, g_low = rest - (g - g0);
  const Vec square = a * a, low = fma(a, a, -square);
  const auto [r0, n] = reduce(-square);
  const Vec r = r0 - low;
  return scale(fma(g, fma(exp_tail(r), r * r, r), g + g_low), n);
}

}  // namespace

namespace {
// erf(x) / x - 1, |x| up to 1.
Vec erf_tail(const Vec& x) {
  return poly(x * x, {-7.801188874097751e-10, 1.3722976265924504e-08, -1.6209175911748696e-07, 1.6447517677871873e-06,
                      -1.4924744663335489e-05, 0.00012055295320494294, -0.0008548325989696758, 0.005223977607423468,
                      -0.02686617064327622, 0.11283791670945253, -0.3761263890318355, 0.12837916709551256});
}
}  // namespace

// 1.2 ulp.
Vec erf_of_double(const Vec& x) {
  const Vec a = abs(x);
  return select(a < 1.0, fma(erf_tail(x), x, x), copysign(1.0 - erfc_positive(a), x));
}
// 1.8 ulp. Near 0 the other polynomial's terms cancel.
Vec erfc_of_double(const Vec& x) {
  const Vec a = abs(x), tail = erfc_positive(a);
  return select(a < 0.75, fma(-x, erf_tail(x), 1.0 - x), select(x < 0.0, 2.0 - tail, tail));
}

}  // namespace tf2jax::codegen
