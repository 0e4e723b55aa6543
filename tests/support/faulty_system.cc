#include "tests/support/faulty_system.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

#include "base/unique_fd.h"

namespace hearth::test {

FaultySystem::FaultySystem(const std::string& folder) : path_(folder + "/system-faults") {
  const base::UniqueFd file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file.valid() || ::ftruncate(file.get(), sizeof(SystemFaults)) != 0) {
    throw std::runtime_error("cannot make " + path_);
  }
  void* const mapped =
      ::mmap(nullptr, sizeof(SystemFaults), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapped == MAP_FAILED) {
    throw std::runtime_error("cannot map " + path_);
  }
  faults_ = static_cast<SystemFaults*>(mapped);
}

FaultySystem::~FaultySystem() { ::munmap(faults_, sizeof(SystemFaults)); }

std::vector<std::string> FaultySystem::environment() const {
  return {std::string("LD_PRELOAD=") + HEARTH_FAULTY_SYSTEM_LIBRARY, "HEARTH_FAULTY_SYSTEM=" + path_};
}

}  // namespace hearth::test
