// How the code is cut: sizes, names and openings that a reader may rely on. Each check is shown a bad
// sample beside the tree.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <regex>
#include <string>
#include <vector>

#include "function_length.h"
#include "source_file.h"

namespace hearth::structure {
namespace {

constexpr std::size_t kMaxFileLines = 400;
constexpr std::size_t kMaxFunctionLines = 80;
// Names that say nothing: what stands there belongs somewhere else.
const std::vector<std::string> kEmptyNames = {"common", "util", "utils", "helper", "helpers", "misc"};
const std::vector<std::string> kFolders = {"src", "apps", "tests"};

using Check = std::function<std::vector<std::string>(const SourceFile&)>;

void expect_none_in_tree(const Check& check) {
  const auto files = read_sources(kFolders);
  ASSERT_GT(files.size(), 10U) << "read from the wrong place";
  for (const SourceFile& file : files) {
    for (const std::string& violation : check(file)) {
      ADD_FAILURE() << file.path << ": " << violation;
    }
  }
}

std::vector<std::string> long_file(const SourceFile& file) {
  const std::size_t lines = lines_of(file.text).size();
  if (lines <= kMaxFileLines) {
    return {};
  }
  return {std::to_string(lines) + " lines, over the bound of " + std::to_string(kMaxFileLines) +
          ": divide it"};
}

TEST(Style, FilesAreShort) {
  expect_none_in_tree(long_file);
  std::string text;
  for (std::size_t i = 0; i < kMaxFileLines; ++i) {
    text += "int x;\n";
  }
  EXPECT_TRUE(long_file({"src/a/a.cc", text}).empty());
  EXPECT_FALSE(long_file({"src/a/a.cc", text + "int y;\n"}).empty());
}

std::vector<std::string> long_functions(const SourceFile& file) {
  std::vector<std::string> violations;
  for (const FunctionSize& function : function_sizes(file.text)) {
    if (function.lines > kMaxFunctionLines) {
      violations.push_back("line " + std::to_string(function.line) + ": " + std::to_string(function.lines) +
                           " lines, over the bound of " + std::to_string(kMaxFunctionLines) + ": " +
                           function.header);
    }
  }
  return violations;
}

std::string function_of(std::size_t lines) {
  std::string text = "Result<void> Thing::act(int a,\n                        int b) const {\n";
  for (std::size_t i = 0; i + 3 < lines; ++i) {
    text += "  if (a) { b = 1; }\n";
  }
  return text + "}\n";
}

TEST(Style, FunctionsAreShort) {
  expect_none_in_tree(long_functions);
  EXPECT_TRUE(long_functions({"a.cc", function_of(kMaxFunctionLines)}).empty());
  EXPECT_FALSE(long_functions({"a.cc", function_of(kMaxFunctionLines + 1)}).empty());
  EXPECT_FALSE(long_functions({"a.cc", "namespace a {\nclass B {\n" + function_of(81) + "};\n}\n"}).empty());
}

std::vector<std::size_t> lengths(const std::string& text) {
  std::vector<std::size_t> found;
  for (const FunctionSize& function : function_sizes(text)) {
    found.push_back(function.lines);
  }
  return found;
}

TEST(Style, TheBraceMatcherTellsFunctionsFromTheRest) {
  using Lengths = std::vector<std::size_t>;
  EXPECT_EQ(lengths("int f() {\n}\n\nint g() {\n\n}\n"), (Lengths{2, 3}));
  EXPECT_EQ(lengths("A::A(int x)\n    : x_{x},\n      y_(2) {\n}\n"), Lengths{4}) << "with initializers";
  EXPECT_EQ(lengths("A::A(int x) : x_{x}, y_{2} {\n}\nint f() { return 1; }\n"), (Lengths{2, 1}));
  EXPECT_EQ(lengths("template <class T>\nvoid f(T t) {\n}\n"), Lengths{3});
  EXPECT_EQ(lengths("TEST(A, B) {\n  f([] {\n  });\n}\n"), Lengths{4});
  EXPECT_EQ(lengths("const auto f = [](int a) {\n  return a;\n};\n"), Lengths{3});
  EXPECT_EQ(lengths("struct A {\n  int x = f();\n  int g() const { return 1; }\n};\n"), Lengths{1});
  EXPECT_EQ(lengths("const int a[g(1)] = {\n 1,\n 2,\n};\n"), Lengths{});
  EXPECT_EQ(lengths("enum class E { kA, kB };\nnamespace x {\n}\n"), Lengths{});
  EXPECT_EQ(lengths("int f() {\n  char c = '}';\n  s = \"}\";\n  // }\n  /* } */\n  n = 1'000;\n}\n"),
            Lengths{7});
  EXPECT_EQ(lengths("int f() {\n  s = R\"x(}\n)\" } )x\";\n}\n"), Lengths{4});
  EXPECT_EQ(lengths("#define OPEN(x) {\\\n {\nint f() {\n}\n"), Lengths{2});
}

std::vector<std::string> bare_header(const SourceFile& file) {
  if (!is_header(file.path)) {
    return {};
  }
  const std::size_t pragma = file.text.find("\n#pragma once\n");
  if (pragma == std::string::npos) {
    return {"a header needs #pragma once on a line of its own, below the comment that opens it"};
  }
  const auto opening = lines_of(std::string_view(file.text).substr(0, pragma));
  const bool comment = !opening.empty() && std::ranges::all_of(opening, [](const std::string& line) {
    return line.starts_with("//");
  });
  if (!comment) {
    return {
        "a header opens with a comment: what it is for, where in the flow it stands, which thread calls it"};
  }
  return {};
}

TEST(Style, HeadersOpenWithWhatTheyAreFor) {
  expect_none_in_tree(bare_header);
  EXPECT_TRUE(bare_header({"src/a/a.h", "// What for.\n//\n// More.\n#pragma once\n"}).empty());
  EXPECT_FALSE(bare_header({"src/a/a.h", "#pragma once\n"}).empty());
  EXPECT_FALSE(bare_header({"src/a/a.h", "#pragma once\n// Too late.\n"}).empty());
  EXPECT_FALSE(bare_header({"src/a/a.h", "#ifndef A_H\n#define A_H\n#endif\n"}).empty());
}

std::vector<std::string> empty_namespace_names(const SourceFile& file) {
  static const std::regex opening("\\bnamespace\\s+([A-Za-z0-9_:]+)");
  std::vector<std::string> violations;
  const std::string code = code_only(file.text);
  for (auto match = std::sregex_iterator(code.begin(), code.end(), opening); match != std::sregex_iterator();
       ++match) {
    const std::string name = (*match)[1].str();
    const std::string last = name.substr(name.rfind(':') + 1);
    if (std::ranges::find(kEmptyNames, last) != kEmptyNames.end()) {
      violations.push_back("namespace " + name + " says nothing of what is in it");
    }
  }
  return violations;
}

TEST(Style, NamespacesSayWhatIsInThem) {
  expect_none_in_tree(empty_namespace_names);
  EXPECT_FALSE(empty_namespace_names({"a.cc", "namespace hearth::utils {\n}\n"}).empty());
  EXPECT_FALSE(empty_namespace_names({"a.cc", "namespace helpers {\n}\n"}).empty());
  EXPECT_TRUE(empty_namespace_names({"a.cc", "namespace hearth::utilities_of_trains {\n}\n"}).empty());
  EXPECT_TRUE(empty_namespace_names({"a.cc", "// namespace utils\n"}).empty());
}

bool says_nothing(const std::string& folder) {
  return std::ranges::find(kEmptyNames, folder.substr(folder.rfind('/') + 1)) != kEmptyNames.end();
}

TEST(Style, FoldersSayWhatIsInThem) {
  for (const std::string& folder : list_folders(kFolders)) {
    EXPECT_FALSE(says_nothing(folder)) << folder;
  }
  EXPECT_TRUE(says_nothing("src/common"));
  EXPECT_TRUE(says_nothing("src/worker/utils"));
  EXPECT_FALSE(says_nothing("src/commons_of_hearth"));
}

std::vector<std::string> sleeping_test(const SourceFile& file) {
  static const std::regex sleep("\\b(sleep|usleep|nanosleep|clock_nanosleep|sleep_for|sleep_until)\\s*\\(");
  if (!file.path.starts_with("src/") || !file.path.ends_with("_test.cc")) {
    return {};
  }
  std::smatch match;
  const std::string code = code_only(file.text);
  if (!std::regex_search(code, match, sleep)) {
    return {};
  }
  return {match.str() + "): a unit test waits for an event or moves a ManualEventLoop"};
}

TEST(Style, UnitTestsDoNotSleep) {
  expect_none_in_tree(sleeping_test);
  EXPECT_FALSE(sleeping_test({"src/a/a_test.cc", "std::this_thread::sleep_for(ms(1));"}).empty());
  EXPECT_FALSE(sleeping_test({"src/a/a_test.cc", "::usleep (10);"}).empty());
  EXPECT_TRUE(sleeping_test({"src/a/a_test.cc", "run(\"sleep (10)\"); // sleep(1)"}).empty());
  EXPECT_TRUE(sleeping_test({"tests/a/a_test.cc", "::sleep(1);"}).empty()) << "no unit test";
}

}  // namespace
}  // namespace hearth::structure
