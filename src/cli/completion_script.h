// Completion scripts for bash, zsh and fish, from the commands and their options. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::cli {

struct CompletionWord {
  std::string text;
  std::string description;
};

struct CompletionCommand {
  CompletionWord name;
  std::vector<CompletionWord> options;
};

// `shell`: "bash", "zsh" or "fish". Names of functions are asked of the server when they are needed.
std::string completion_script(std::string_view shell, const std::vector<CompletionCommand>& commands,
                              const std::vector<CompletionWord>& global_options);

}  // namespace hearth::cli
