#include "bench/result_json.h"

#include <boost/json.hpp>
#include <exception>

namespace hearth::bench {
namespace {

namespace json = boost::json;

// Visits every field of a value with its name, to write them all or to read them all.
template <typename Latency, typename Visit>
void each_field_of_latency(Latency& value, Visit&& visit) {
  visit("count", value.count);
  visit("mean_us", value.mean_us);
  visit("min_us", value.min_us);
  visit("p50_us", value.p50_us);
  visit("p90_us", value.p90_us);
  visit("p99_us", value.p99_us);
  visit("p999_us", value.p999_us);
  visit("max_us", value.max_us);
}

template <typename Call, typename Visit>
void each_field_of_call(Call& value, Visit&& visit) {
  visit("target", value.target);
  visit("repeat", value.repeat);
  visit("x", value.x);
  visit("request_start_ms", value.request_start_ms);
  visit("request_duration_ms", value.request_duration_ms);
  visit("function_duration_ms", value.function_duration_ms);
  visit("execution_overhead_ms", value.execution_overhead_ms);
  visit("instance_id", value.instance_id);
  visit("status", value.status);
  visit("start", value.start);
  visit("body", value.body);
}

template <typename Measured, typename Visit>
void each_field_of_sample(Measured& value, Visit&& visit) {
  visit("target", value.target);
  visit("repeat", value.repeat);
  visit("x", value.x);
  visit("label", value.label);
  visit("calls", value.calls);
  visit("errors", value.errors);
  visit("errors_by_reason", value.errors_by_reason);
  visit("cold", value.cold);
  visit("seconds", value.seconds);
  visit("per_second", value.per_second);
  visit("megabytes_per_second", value.megabytes_per_second);
  visit("latency", value.latency);
  visit("server_cpu_us_per_call", value.server_cpu_us_per_call);
  visit("server_cpu", value.server_cpu);
  visit("client_cpu", value.client_cpu);
  visit("client_limited", value.client_limited);
  visit("cut", value.cut);
  visit("figures", value.figures);
}

template <typename Host, typename Visit>
void each_field_of_machine(Host& value, Visit&& visit) {
  visit("cpu", value.cpu);
  visit("cores", value.cores);
  visit("memory_mb", value.memory_mb);
  visit("kernel", value.kernel);
  visit("cgroups", value.cgroups);
  visit("node", value.node);
  visit("load_at_start", value.load_at_start);
}

template <typename Run, typename Visit>
void each_field_of_run(Run& value, Visit&& visit) {
  visit("test", value.test);
  visit("x_name", value.x_name);
  visit("x_unit", value.x_unit);
  visit("started_at", value.started_at);
  visit("hearth_version", value.hearth_version);
  visit("command", value.command);
  visit("machine", value.machine);
  visit("settings", value.settings);
  visit("samples", value.samples);
  visit("calls", value.calls);
  visit("calls_left_out", value.calls_left_out);
}

template <typename Value, typename Visit>
void each_field(Value& value, Visit&& visit) {
  using Plain = std::remove_const_t<Value>;
  if constexpr (std::is_same_v<Plain, LatencySummary>) {
    each_field_of_latency(value, visit);
  } else if constexpr (std::is_same_v<Plain, CallRecord>) {
    each_field_of_call(value, visit);
  } else if constexpr (std::is_same_v<Plain, Sample>) {
    each_field_of_sample(value, visit);
  } else if constexpr (std::is_same_v<Plain, Machine>) {
    each_field_of_machine(value, visit);
  } else {
    each_field_of_run(value, visit);
  }
}

json::value write(const std::string& value) { return json::value(value); }
json::value write(bool value) { return value; }
json::value write(Start value) { return json::value(to_string(value)); }
template <typename Number>
requires std::is_arithmetic_v<Number> json::value write(Number value) { return value; }
template <typename Value>
json::value write(const std::map<std::string, Value>& values) {
  json::object object;
  for (const auto& [key, value] : values) {
    object[key] = write(value);
  }
  return object;
}
template <typename Value>
json::value write(const std::vector<Value>& values);
template <typename Value>
requires std::is_class_v<Value> json::value write(const Value& value) {
  json::object object;
  each_field(value, [&](const char* name, const auto& field) { object[name] = write(field); });
  return object;
}
template <typename Value>
json::value write(const std::vector<Value>& values) {
  json::array array;
  for (const Value& value : values) {
    array.push_back(write(value));
  }
  return array;
}

// Throw, as Boost.JSON does for a wrong type; from_json turns that into a result.
void read(const json::value& from, std::string& to) { to = from.as_string(); }
void read(const json::value& from, bool& to) { to = from.as_bool(); }
void read(const json::value& from, Start& to) {
  const auto& text = from.as_string();
  to = text == "cold" ? Start::kCold : text == "warm" ? Start::kWarm : Start::kUnknown;
}
template <typename Number>
requires std::is_arithmetic_v<Number>
void read(const json::value& from, Number& to) { to = from.to_number<Number>(); }
template <typename Value>
void read(const json::value& from, std::map<std::string, Value>& to) {
  for (const auto& [key, value] : from.as_object()) {
    read(value, to[std::string(key)]);
  }
}
template <typename Value>
void read(const json::value& from, std::vector<Value>& to);
template <typename Value>
requires std::is_class_v<Value>
void read(const json::value& from, Value& to) {
  const json::object& object = from.as_object();
  each_field(to, [&](const char* name, auto& field) {
    if (const json::value* found = object.if_contains(name)) {
      read(*found, field);
    }
  });
}
template <typename Value>
void read(const json::value& from, std::vector<Value>& to) {
  for (const json::value& one : from.as_array()) {
    read(one, to.emplace_back());
  }
}

}  // namespace

std::string_view to_string(Start start) {
  switch (start) {
    case Start::kUnknown:
      return "unknown";
    case Start::kWarm:
      return "warm";
    case Start::kCold:
      return "cold";
  }
  return "";
}

std::string to_json(const RunResult& result) { return json::serialize(write(result)) + "\n"; }

base::Result<RunResult> from_json(std::string_view text) {
  try {
    const json::value value = json::parse(text);
    RunResult result;
    read(value, result);
    if (result.test.empty()) {
      return base::Error{base::ErrorCode::kCorrupt, "it is no result of hearth bench: 'test' is missing"};
    }
    return result;
  } catch (const std::exception& error) {
    return base::Error{base::ErrorCode::kCorrupt,
                       std::string("it is no result of hearth bench: ") + error.what()};
  }
}

std::string calls_to_json(const std::vector<CallRecord>& calls) {
  json::array array;
  for (const CallRecord& call : calls) {
    array.push_back(json::object{{"executionOverhead", call.execution_overhead_ms},
                                 {"requestStart", call.request_start_ms},
                                 {"requestDuration", call.request_duration_ms},
                                 {"functionDuration", call.function_duration_ms},
                                 {"instanceId", call.instance_id},
                                 {"body", call.body}});
  }
  return json::serialize(array) + "\n";
}

}  // namespace hearth::bench
