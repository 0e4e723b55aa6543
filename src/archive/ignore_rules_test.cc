#include "archive/ignore_rules.h"

#include <gtest/gtest.h>

#include <chrono>

namespace hearth::archive {
namespace {

bool ignored(std::string_view rules, std::string_view path, bool is_folder = false) {
  IgnoreRules parsed;
  parsed.add(rules);
  return parsed.ignores(path, is_folder);
}

TEST(IgnoreRules, SkipsBlankLinesAndComments) {
  EXPECT_FALSE(ignored("", "a"));
  EXPECT_FALSE(ignored("\n\n# a\n   \n", "# a"));
  EXPECT_FALSE(ignored("#a", "#a"));
  EXPECT_TRUE(ignored("\\#a", "#a"));
  EXPECT_TRUE(ignored("a #b", "a #b"));
  EXPECT_FALSE(ignored("/", "a", true));
  EXPECT_FALSE(ignored("!", "!"));
}

TEST(IgnoreRules, ReadsLinesOfAnyEditor) {
  EXPECT_TRUE(
      ignored("\xEF\xBB\xBF"
              "a\r\nb\r\n",
              "a"));
  EXPECT_TRUE(ignored("a\r\nb\r\n", "b"));
  EXPECT_TRUE(ignored("a", "a"));
}

TEST(IgnoreRules, DropsTrailingSpacesUnlessEscaped) {
  EXPECT_TRUE(ignored("a   ", "a"));
  EXPECT_FALSE(ignored("a\\ ", "a"));
  EXPECT_TRUE(ignored("a\\ ", "a "));
  EXPECT_TRUE(ignored("a\\   ", "a "));
  EXPECT_TRUE(ignored("a b", "a b"));
  EXPECT_TRUE(ignored(" a", " a"));
}

TEST(IgnoreRules, MatchesANameAtAnyDepthWithoutASlash) {
  EXPECT_TRUE(ignored("*.log", "x.log"));
  EXPECT_TRUE(ignored("*.log", "a/b/x.log"));
  EXPECT_FALSE(ignored("*.log", "x.log2"));
  EXPECT_FALSE(ignored("a", "a/b"));
  EXPECT_TRUE(ignored("node_modules", "sub/node_modules", true));
}

TEST(IgnoreRules, AnchorsToTheRootWithASlashInFrontOrInside) {
  EXPECT_TRUE(ignored("/build", "build"));
  EXPECT_FALSE(ignored("/build", "sub/build"));
  EXPECT_TRUE(ignored("doc/a.txt", "doc/a.txt"));
  EXPECT_FALSE(ignored("doc/a.txt", "sub/doc/a.txt"));
  EXPECT_FALSE(ignored("doc/*.txt", "doc/sub/a.txt"));
  EXPECT_TRUE(ignored("/*", "a"));
  EXPECT_FALSE(ignored("/*", "a/b"));
}

TEST(IgnoreRules, MatchesOnlyFoldersWithASlashAtTheEnd) {
  EXPECT_TRUE(ignored("tmp/", "tmp", true));
  EXPECT_FALSE(ignored("tmp/", "tmp"));
  EXPECT_TRUE(ignored("tmp/", "a/tmp", true));
  EXPECT_TRUE(ignored("/tmp/", "tmp", true));
  EXPECT_FALSE(ignored("/tmp/", "a/tmp", true));
  EXPECT_TRUE(ignored("a/tmp/", "a/tmp", true));
}

TEST(IgnoreRules, LetsTheLastRuleDecide) {
  EXPECT_FALSE(ignored("*.log\n!keep.log", "keep.log"));
  EXPECT_TRUE(ignored("*.log\n!keep.log", "other.log"));
  EXPECT_TRUE(ignored("!keep.log\n*.log", "keep.log"));
  EXPECT_TRUE(ignored("*.log\n!keep.log\nkeep.log", "keep.log"));
  EXPECT_TRUE(ignored("\\!a", "!a"));
  EXPECT_FALSE(ignored("/*\n!/src", "src", true));
  IgnoreRules rules;
  rules.add(".git");
  rules.add("!.git");
  EXPECT_FALSE(rules.ignores(".git", true));
}

TEST(IgnoreRules, TakesDoubleStarForAnyFolders) {
  EXPECT_TRUE(ignored("**/foo", "foo"));
  EXPECT_TRUE(ignored("**/foo", "a/b/foo"));
  EXPECT_TRUE(ignored("**/foo/bar", "foo/bar"));
  EXPECT_TRUE(ignored("**/foo/bar", "a/foo/bar"));
  EXPECT_FALSE(ignored("**/foo/bar", "a/foo/x/bar"));
  EXPECT_TRUE(ignored("a/**", "a/b"));
  EXPECT_TRUE(ignored("a/**", "a/b/c"));
  EXPECT_FALSE(ignored("a/**", "a", true));
  EXPECT_FALSE(ignored("a/**", "x/a/b"));
  EXPECT_TRUE(ignored("a/**/b", "a/b"));
  EXPECT_TRUE(ignored("a/**/b", "a/x/b"));
  EXPECT_TRUE(ignored("a/**/b", "a/x/y/b"));
  EXPECT_FALSE(ignored("a/**/b", "a/xb"));
  EXPECT_TRUE(ignored("a/**/b/**/c", "a/b/x/b/y/c"));
  EXPECT_FALSE(ignored("a/**/b/**/c", "a/x/c"));
  EXPECT_TRUE(ignored("**", "a/b"));
  EXPECT_TRUE(ignored("/**", "a/b"));
  EXPECT_TRUE(ignored("**/", "a", true));
  EXPECT_FALSE(ignored("**/", "a"));
}

TEST(IgnoreRules, TakesOtherDoubleStarsForOne) {
  EXPECT_TRUE(ignored("a**b", "axxb"));
  EXPECT_TRUE(ignored("/a**/b", "axx/b"));
  EXPECT_FALSE(ignored("/a**/b", "a/x/b"));
  EXPECT_TRUE(ignored("***/b", "a/x/b"));
}

TEST(IgnoreRules, NeverLetsAWildcardCrossASlash) {
  EXPECT_FALSE(ignored("/a*b", "a/b"));
  EXPECT_FALSE(ignored("/a?b", "a/b"));
  EXPECT_FALSE(ignored("/a[/]b", "a/b"));
  EXPECT_FALSE(ignored("/a[!x]b", "a/b"));
}

TEST(MatchesSegment, StarsAndQuestionMarks) {
  EXPECT_TRUE(matches_segment("*", ""));
  EXPECT_TRUE(matches_segment("*", ".hidden"));
  EXPECT_TRUE(matches_segment("a*c*e", "abcde"));
  EXPECT_TRUE(matches_segment("*ab", "aab"));
  EXPECT_TRUE(matches_segment("*.t?t", "x.txt"));
  EXPECT_FALSE(matches_segment("?", ""));
  EXPECT_FALSE(matches_segment("a*b", "abc"));
  EXPECT_FALSE(matches_segment("", "a"));
}

TEST(MatchesSegment, Brackets) {
  EXPECT_TRUE(matches_segment("[abc]", "b"));
  EXPECT_FALSE(matches_segment("[abc]", "d"));
  EXPECT_TRUE(matches_segment("[a-c]x", "bx"));
  EXPECT_FALSE(matches_segment("[a-c]", "d"));
  EXPECT_TRUE(matches_segment("[!a-c]", "d"));
  EXPECT_TRUE(matches_segment("[^a-c]", "d"));
  EXPECT_FALSE(matches_segment("[!a-c]", "b"));
  EXPECT_TRUE(matches_segment("[]]", "]"));
  EXPECT_TRUE(matches_segment("[!]]", "a"));
  EXPECT_FALSE(matches_segment("[!]]", "]"));
  EXPECT_TRUE(matches_segment("[a-]", "-"));
  EXPECT_TRUE(matches_segment("[-a]", "-"));
  EXPECT_TRUE(matches_segment("[\\]]", "]"));
  EXPECT_TRUE(matches_segment("[\\a-c]", "b"));
  EXPECT_TRUE(matches_segment("*[0-9]", "a1b2"));
}

TEST(MatchesSegment, NamedClasses) {
  EXPECT_TRUE(matches_segment("[[:digit:]]", "7"));
  EXPECT_FALSE(matches_segment("[[:digit:]]", "a"));
  EXPECT_TRUE(matches_segment("[[:digit:]a-c_]", "_"));
  EXPECT_TRUE(matches_segment("[![:space:]]", "a"));
  EXPECT_TRUE(matches_segment("[[:upper:][:digit:]]*", "Q"));
  EXPECT_FALSE(matches_segment("[[:nonsense:]]", "a"));
}

TEST(MatchesSegment, EscapesAndWhatIsBroken) {
  EXPECT_TRUE(matches_segment("\\*", "*"));
  EXPECT_FALSE(matches_segment("\\*", "a"));
  EXPECT_TRUE(matches_segment("a\\?b", "a?b"));
  EXPECT_TRUE(ignored("/a\\/b", "a/b"));
  EXPECT_TRUE(matches_segment("\\[a]", "[a]"));
  EXPECT_FALSE(matches_segment("a\\", "a\\"));
  EXPECT_FALSE(matches_segment("[ab", "[ab"));
  EXPECT_FALSE(matches_segment("[ab", "a"));
}

TEST(MatchesSegment, TakesNoExponentialTime) {
  std::string pattern;
  for (int i = 0; i < 200; ++i) {
    pattern += "a*";
  }
  const std::string name(4'000, 'a');
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(matches_segment(pattern + "b", name));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace hearth::archive
