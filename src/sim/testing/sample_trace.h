// The sample of the Azure trace that the bars are about. It is not a part of this repository: it lies in
// HEARTH_TRACES, else in ../shared/traces beside it; a test is skipped where it is not.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "trace/azure_trace.h"

namespace hearth::sim {

class SampleTrace : public testing::Test {
 protected:
  void SetUp() override {
    const char* const given = std::getenv("HEARTH_TRACES");
    const char* const source = std::getenv("HEARTH_SOURCE_DIR");
    const std::string folder =
        given != nullptr ? given : std::string(source != nullptr ? source : ".") + "/../shared/traces";
    if (!std::filesystem::exists(folder)) {
      GTEST_SKIP() << "there is no trace at " << folder << " (HEARTH_TRACES names another place)";
    }
    auto trace = trace::read_trace(folder);
    ASSERT_TRUE(trace) << trace.error().message;
    trace_ = *std::move(trace);
  }

  trace::Trace trace_;
};

}  // namespace hearth::sim
