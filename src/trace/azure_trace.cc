#include "trace/azure_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/words.h"

namespace hearth::trace {
namespace {

// The columns that say whose line it is.
struct KeyColumns {
  std::size_t owner = 0;
  std::size_t app = 0;
  std::optional<std::size_t> function;  // none: of all functions of the app
};

std::string key_of(std::string_view owner, std::string_view app, std::string_view function) {
  return fmt::format("{},{},{}", owner, app, function);
}

std::string key_of(const Table& table, const KeyColumns& columns) {
  return key_of(table.field(columns.owner), table.field(columns.app),
                columns.function ? table.field(*columns.function) : std::string_view());
}

base::Result<KeyColumns> key_columns(const Table& table) {
  const auto owner = table.require("HashOwner");
  const auto app = table.require("HashApp");
  if (!owner || !app) {
    return owner ? app.error() : owner.error();
  }
  return KeyColumns{*owner, *app, table.find("HashFunction")};
}

// The columns from Trigger on are minutes, each one later than the one before.
base::Result<std::uint32_t> first_minute(const Table& table, std::size_t first_column) {
  const auto& columns = table.columns();
  if (columns.size() == first_column) {
    return table.error_at(first_column, "there is no column of a minute");
  }
  if (columns.size() - first_column > kMostMinutes) {
    return table.error_at(first_column + kMostMinutes, fmt::format("more than {} minutes", kMostMinutes));
  }
  const auto first = base::number_of<std::uint32_t>(columns[first_column]);
  for (std::size_t column = first_column; column < columns.size(); ++column) {
    const auto minute = base::number_of<std::uint32_t>(columns[column]);
    if (!first || !minute || *minute != *first + (column - first_column)) {
      return table.error_at(column, "the columns after Trigger are minutes, one after the other");
    }
  }
  return *first;
}

base::Result<std::vector<MinuteCalls>> calls_of(const Table& table, std::size_t first_column) {
  std::vector<MinuteCalls> calls;
  for (std::size_t column = first_column; column < table.columns().size(); ++column) {
    if (table.field(column) == "0") {
      continue;
    }
    const auto count = table.whole_number(column, kMostCallsAMinute);
    if (!count) {
      return count.error();
    }
    if (*count > 0) {
      calls.push_back({static_cast<std::uint32_t>(column - first_column), *count});
    }
  }
  return calls;
}

base::Result<Trace> parse_invocations(const NamedText& file) {
  auto table = Table::open(file);
  if (!table) {
    return table.error();
  }
  const auto key = key_columns(*table);
  const auto function = table->require("HashFunction");
  const auto trigger = table->require("Trigger");
  if (!key || !function || !trigger) {
    return !key ? key.error() : !function ? function.error() : trigger.error();
  }
  const std::size_t first_column = *trigger + 1;
  const auto first = first_minute(*table, first_column);
  if (!first) {
    return first.error();
  }
  Trace trace{*first, static_cast<std::uint32_t>(table->columns().size() - first_column), {}};
  for (auto more = table->next(); !more || *more; more = table->next()) {
    if (!more) {
      return more.error();
    }
    if (trace.functions.size() == kMostFunctions) {
      return table->error_at(0, fmt::format("more than {} functions", kMostFunctions));
    }
    auto calls = calls_of(*table, first_column);
    if (!calls) {
      return calls.error();
    }
    trace.functions.push_back({std::string(table->field(key->owner)), std::string(table->field(key->app)),
                               std::string(table->field(*function)), std::string(table->field(*trigger)),
                               *std::move(calls), std::nullopt, std::nullopt});
  }
  if (trace.functions.empty()) {
    return table->error_at(0, "there is no function");
  }
  return trace;
}

// What stands in some columns of a file, by whose it is. The first line of each counts.
template <typename Value>
struct Values {
  bool of_functions = true;
  std::unordered_map<std::string, Value> by_key;

  std::optional<Value> find(const TracedFunction& function) const {
    const auto found = by_key.find(
        key_of(function.owner, function.app, of_functions ? std::string_view(function.function) : ""));
    return found == by_key.end() ? std::nullopt : std::optional(found->second);
  }
};

// `make` gets the numbers in `columns` of a line, in their order.
template <typename Value, typename Make>
base::Result<Values<Value>> parse_values(const NamedText& file, const std::vector<std::string>& names,
                                         double most, Make make) {
  auto table = Table::open(file);
  if (!table) {
    return table.error();
  }
  const auto key = key_columns(*table);
  if (!key) {
    return key.error();
  }
  std::vector<std::size_t> columns;
  for (const std::string& name : names) {
    const auto column = table->require(name);
    if (!column) {
      return column.error();
    }
    columns.push_back(*column);
  }
  Values<Value> values{key->function.has_value(), {}};
  for (auto more = table->next(); !more || *more; more = table->next()) {
    if (!more) {
      return more.error();
    }
    std::vector<double> numbers;
    for (const std::size_t column : columns) {
      const auto number = table->number(column, most);
      if (!number) {
        return number.error();
      }
      numbers.push_back(*number);
    }
    values.by_key.try_emplace(key_of(*table, *key), make(numbers));
  }
  return values;
}

base::Result<Values<RunTimes>> parse_durations(const NamedText& file) {
  std::vector<std::string> names{"Average"};
  for (const int percentile : kRunPercentiles) {
    names.push_back(fmt::format("percentile_Average_{}", percentile));
  }
  return parse_values<RunTimes>(file, names, kMostRunMs, [](const std::vector<double>& numbers) {
    RunTimes runs{numbers[0], {}};
    double so_far_ms = 0;
    for (std::size_t i = 0; i < runs.percentiles_ms.size(); ++i) {
      so_far_ms = std::max(so_far_ms, numbers[i + 1]);  // averages of percentiles, so not always in order
      runs.percentiles_ms[i] = so_far_ms;
    }
    return runs;
  });
}

base::Result<Values<MemoryUse>> parse_memory(const NamedText& file) {
  return parse_values<MemoryUse>(file, {"AverageAllocatedMb", "AverageAllocatedMb_pct100"}, kMostMemoryMb,
                                 [](const std::vector<double>& numbers) {
                                   return MemoryUse{numbers[0], numbers[1]};
                                 });
}

}  // namespace

base::Result<Trace> parse_trace(const TraceTexts& texts) {
  auto trace = parse_invocations(texts.invocations);
  if (!trace) {
    return trace;
  }
  base::Result<Values<RunTimes>> runs = Values<RunTimes>();
  if (texts.durations) {
    runs = parse_durations(*texts.durations);
  }
  base::Result<Values<MemoryUse>> memory = Values<MemoryUse>();
  if (texts.memory) {
    memory = parse_memory(*texts.memory);
  }
  if (!runs || !memory) {
    return runs ? memory.error() : runs.error();
  }
  for (TracedFunction& function : trace->functions) {
    function.runs = runs->find(function);
    function.memory = memory->find(function);
  }
  return trace;
}

}  // namespace hearth::trace
