// What a user created: a function and its immutable versions. Pure values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "model/alias.h"
#include "model/policy.h"

namespace hearth::model {

using FunctionId = std::string;  // GUID
using VersionId = std::string;   // GUID

// Which every function has, as long as there is the function.
inline constexpr std::uint32_t kFirstVersion = 1;

// Immutable: a change makes a new one.
struct Version {
  VersionId id;
  FunctionId function_id;
  std::uint32_t number = kFirstVersion;  // counts up within the function
  std::string runtime = "node";          // see model/runtime.h
  std::string handler = "index";         // "file" or "file.export", as the runtime has it
  std::uint32_t memory_mb = 128;         // hard limit of the instance's memory
  std::uint32_t timeout_ms = 30'000;     // counted from the handler's start
  std::uint32_t concurrency = 1;         // invocations an instance takes at once
  std::map<std::string, std::string> environment;
  std::string code_digest;       // SHA-256 of the zip, 64 lower-case hex digits
  std::uint64_t code_bytes = 0;  // size of the zip
  std::int64_t created_ms = 0;   // Unix time, milliseconds; 0: a version of a release that did not note it

  bool operator==(const Version&) const = default;
};

struct Function {
  FunctionId id;
  std::string name;          // unique, or empty; usable wherever the id is
  std::string display_name;  // anything, need not be unique (the original prototype's field)
  Version current;
  std::int64_t created_ms = 0;  // Unix time, milliseconds
  std::int64_t updated_ms = 0;
  std::uint64_t revision = 1;  // counts up with every change: a new version, or one of FunctionChange
  Aliases aliases;
  Concurrency concurrency;
  AsyncPolicy async;

  // What people call it by.
  const std::string& label() const { return name.empty() ? id : name; }

  bool operator==(const Function&) const = default;
};

using VersionPtr = std::shared_ptr<const Version>;    // immutable, shared by calls in flight
using FunctionPtr = std::shared_ptr<const Function>;  // immutable, shared by calls in flight

}  // namespace hearth::model
