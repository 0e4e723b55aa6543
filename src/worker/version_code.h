// What an instance gets of its version's code, and where it comes from.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "model/function.h"

namespace hearth::worker {

// The hold on one unpacked folder: the cache removes none that is held. An instance keeps its own
// until nothing of it is left, because files that are removed vanish from under a mount. Any thread.
class [[nodiscard]] CodeFolder {
 public:
  explicit CodeFolder(std::shared_ptr<const base::UniqueFd> folder) : folder_(std::move(folder)) {}
  CodeFolder(CodeFolder&&) = default;
  CodeFolder& operator=(CodeFolder&&) = default;
  CodeFolder(const CodeFolder&) = delete;
  CodeFolder& operator=(const CodeFolder&) = delete;
  ~CodeFolder() = default;

  int fd() const { return folder_->get(); }  // O_PATH
  // For who consumes a descriptor of its own. kIo when the process has none left.
  base::Result<base::UniqueFd> duplicate() const;

 private:
  std::shared_ptr<const base::UniqueFd> folder_;  // all holders of one folder share its descriptor
};

// What a runtime has made of a version's code for instances that start later: of Node, V8's compile cache. It
// comes from an instance, whose code is not trusted: nobody but a runtime of the same version is given it,
// and nobody else looks into it.
struct CompiledCode {
  std::string compiles;  // what the runtime said of itself (protocol::Ready)
  std::string bytes;     // none: there is nothing worth it

  bool operator==(const CompiledCode&) const = default;
};
using CompiledPtr = std::shared_ptr<const CompiledCode>;  // immutable, shared by starts

// Which version, and which code it has.
struct VersionKey {
  model::VersionId id;
  std::string code_digest;
};

struct VersionCode {
  CodeFolder folder;
  CompiledPtr compiled;  // null: no instance has been asked
};

// The code of versions, for the instances of one loop. Loop thread only.
class CodeSource {
 public:
  using Done = std::function<void(base::Result<VersionCode>)>;

  virtual ~CodeSource() = default;
  // `done` runs once, on the loop, never inside the call. kNotFound, kCorrupt, kInvalidArgument, kTooLarge,
  // kIo, kExhausted. A failure is not remembered: the next call tries anew.
  virtual void fetch(const VersionKey& version, Done done) = 0;
  // Keeps it for instances that start later, unless there is some already. Nobody is told of a failure.
  virtual void keep(const model::VersionId& version, CompiledCode compiled) = 0;
  // What was kept was of no use.
  virtual void discard(const model::VersionId& version) = 0;
};

}  // namespace hearth::worker
