// Code that a test makes up.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace hearth::conformance {

// A folder of code, removed with all that is in it.
class Folder {
 public:
  explicit Folder(const std::string& index_js) {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-compiled-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
    write("index.js", index_js);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace hearth::conformance
