// The exception hierarchy.
#include "tf2jax/base/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "../support.h"

namespace tf2jax {
namespace {

using ::testing::EndsWith;

TEST(Errors, AreFormattedWhenTheCheckFailsOnly) {
  EXPECT_NO_THROW(check<ShapeError>(true, "sort: got {}.", 3));
  EXPECT_EQ(message_of<ShapeError>([] { check<ShapeError>(false, "sort: got {}.", 3); }), "sort: got 3.");
}

TEST(Errors, NarrowerKindsAreCaughtByTheWiderOnes) {
  EXPECT_THROW(raise<AxisError>("sort: axis 3."), ValueError);
  EXPECT_THROW(raise<DtypeError>("sort: f8."), TypeError);
  EXPECT_THROW(raise<UnsupportedOpError>("convert: OddOp."), NotImplementedError);
  EXPECT_THROW(raise<InternalError>("plan: a cycle."), Error);
}

TEST(Errors, OurOwnFaultAsksForAReportOnce) {
  const auto text = message_of<InternalError>([] { raise<InternalError>("plan: a cycle."); });
  EXPECT_EQ(text, "plan: a cycle. This is a defect of the library; please report it.");
  EXPECT_EQ(message_of<InternalError>([&] { throw InternalError(text); }), text);
  EXPECT_EQ(message_of<InternalError>([&] { raise<InternalError>("{}\nWhile compiling\nx", text); }),
            text + "\nWhile compiling\nx");
}

TEST(Errors, OfAModelCarryTheNode) {
  const ImportError e("conv1", "Conv2D", "import 'conv1' (Conv2D): no filter.");
  EXPECT_EQ(e.node(), "conv1");
  EXPECT_EQ(e.op(), "Conv2D");
  EXPECT_THAT(e.what(), EndsWith("no filter."));
}

}  // namespace
}  // namespace tf2jax
