#include "compiler/graph/location.h"

#include <gtest/gtest.h>

namespace mica::ir {
namespace {

TEST(Location, ALayerAndItsRole) {
  const std::string backward = with_role("encoder/conv1", Role::kBackward);
  EXPECT_EQ(backward, "encoder/conv1 backward");
  EXPECT_EQ(role_of(backward), Role::kBackward);
  EXPECT_EQ(layer_of(backward), "encoder/conv1");
  EXPECT_EQ(role_of("encoder/conv1"), Role::kForward);
  EXPECT_EQ(layer_of("encoder/conv1"), "encoder/conv1");
}

TEST(Location, OneRoleReplacesAnother) {
  EXPECT_EQ(with_role("dense recomputed", Role::kBackward), "dense backward");
  EXPECT_EQ(with_role("dense backward", Role::kForward), "dense");
}

TEST(Location, WithoutALayerThereIsNone) { EXPECT_EQ(with_role("", Role::kBackward), ""); }

TEST(Location, NamesMayHaveBlanks) {
  EXPECT_EQ(role_of("look backward twice"), Role::kForward);
  EXPECT_EQ(layer_of("the last layer recomputed"), "the last layer");
}

}  // namespace
}  // namespace mica::ir
