#include "gateway/function_versions.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/bring_back.h"

namespace hearth::gateway {
ApiFailure no_such_version(const model::Function& function, std::uint32_t number) {
  return {model::ApiErrorCode::kNotFound, fmt::format("\"{}\" has no version {}: the current one is {}",
                                                      function.label(), number, function.current.number)};
}

template <typename Value, typename Read>
void FunctionVersions::read(Read read, std::function<void(ApiResult<Value>)> done) {
  auto told = base::bring_back(loop_, done);
  if (auto submitted = pool_.submit([read = std::move(read), told] { told(read()); }); !submitted) {
    done(failure(submitted.error()));
  }
}

void FunctionVersions::list(const model::FunctionId& function, std::uint32_t before, std::size_t limit,
                            Listed done) {
  using Versions = std::vector<model::Version>;
  read<Versions>(
      [&functions = functions_, function, before, limit]() -> ApiResult<Versions> {
        auto found = functions.versions(function, before, limit);
        return found ? ApiResult<Versions>(std::move(*found)) : failure(found.error());
      },
      std::move(done));
}

void FunctionVersions::find(const model::FunctionId& function, std::uint32_t number, Found done) {
  using Version = model::VersionPtr;
  read<Version>(
      [&functions = functions_, function, number]() -> ApiResult<Version> {
        auto found = functions.find_version(function, number);
        return found ? ApiResult<Version>(std::make_shared<const model::Version>(std::move(*found)))
                     : failure(found.error());
      },
      std::move(done));
}

}  // namespace hearth::gateway
