#include "apps/cli/jmespath.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

constexpr const char* kServices = R"([
  {"name": "iris", "state": "Healthy", "replicas": 3, "tags": {"stage": "prod", "a-b": 1},
   "models": [{"id": "iris:1"}, {"id": "scaler:2"}]},
  {"name": "digits", "state": "Failed", "replicas": 0, "tags": {}, "models": []},
  {"name": "churn", "state": "Healthy", "replicas": 10, "tags": {"stage": "test"},
   "models": [{"id": "churn:7"}]}])";

std::string search(std::string_view expression, std::string_view data) {
  const auto path = JmesPath::compile(expression);
  if (!path) return "error: " + path.error().message;
  const auto value = path->search(parse_json(data).value());
  return value ? json::serialize(*value) : "error: " + value.error().message;
}

struct Case {
  const char* expression;
  const char* data;
  const char* wanted;
};

constexpr Case kCases[] = {
    // identifiers, chains, indexes
    {"@", "7", "7"},
    {"a", R"({"a": 1})", "1"},
    {"b", R"({"a": 1})", "null"},
    {"a", "[1]", "null"},
    {"a.b.c", R"({"a": {"b": {"c": "deep"}}})", R"("deep")"},
    {R"("a-b")", R"({"a-b": 1})", "1"},
    {R"("é\n")", R"({"é\n": 1})", "1"},
    {"[0].name", kServices, R"("iris")"},
    {"[-1].name", kServices, R"("churn")"},
    {"[3]", kServices, "null"},
    {"a[0][1]", R"({"a": [[1, 2]]})", "2"},
    {R"([0].tags."a-b")", kServices, "1"},
    // slices
    {"[:2]", "[0,1,2,3]", "[0,1]"},
    {"[1:3]", "[0,1,2,3]", "[1,2]"},
    {"[::2]", "[0,1,2,3]", "[0,2]"},
    {"[::-1]", "[0,1,2,3]", "[3,2,1,0]"},
    {"[-2:]", "[0,1,2,3]", "[2,3]"},
    {"[10:-10:-2]", "[0,1,2,3]", "[3,1]"},
    {"[2:1]", "[0,1,2,3]", "[]"},
    {"[:9223372036854775807:9223372036854775807]", "[0,1]", "[0]"},
    {"[1:].name", kServices, R"(["digits","churn"])"},
    {"[:]", "\"text\"", "null"},
    // projections: nulls fall out, a pipe ends one
    {"[*].name", kServices, R"(["iris","digits","churn"])"},
    {"[*].tags.stage", kServices, R"(["prod","test"])"},
    {"[*].models[*].id", kServices, R"([["iris:1","scaler:2"],[],["churn:7"]])"},
    {"[].models[].id", kServices, R"(["iris:1","scaler:2","churn:7"])"},
    {"[*].name | [0]", kServices, R"("iris")"},
    {"[*].models[0].id", kServices, R"(["iris:1","churn:7"])"},
    {"*.a", R"({"x": {"a": 1}, "y": {"b": 2}, "z": {"a": 3}})", "[1,3]"},
    {"x.*", R"({"x": {"a": 1, "b": 2}})", "[1,2]"},
    {"[]", "[[1],[2,[3]],4]", "[1,2,[3],4]"},
    {"[][]", "[[1],[2,[3]],4]", "[1,2,3,4]"},
    {"[*]", R"({"a": 1})", "null"},
    // filters and logic
    {"[?state=='Healthy'].name", kServices, R"(["iris","churn"])"},
    {"[?state!='Healthy'].name | [0]", kServices, R"("digits")"},
    {"[?replicas > `2`].name", kServices, R"(["iris","churn"])"},
    {"[?replicas>=`3` && tags.stage=='prod'].name", kServices, R"(["iris"])"},
    {"[?replicas==`0` || replicas==`10`].name", kServices, R"(["digits","churn"])"},
    {"[?!tags].name", kServices, R"(["digits"])"},
    {"[?models[?id=='churn:7']].name", kServices, R"(["churn"])"},
    {"[?(replicas < `5` || tags) && state == 'Failed'].name", kServices, R"(["digits"])"},
    {"[?name=='iris'] | [0].{n: name, m: models[0].id}", kServices, R"({"n":"iris","m":"iris:1"})"},
    {"[?@ > `1`]", "[0, 1, 2, 3]", "[2,3]"},
    {"a < b", R"({"a": "x", "b": "y"})", "null"},
    {"`1` == `1.0`", "null", "true"},
    {"a || b", R"({"a": "", "b": "y"})", R"("y")"},
    {"a && b", R"({"a": [], "b": "y"})", "[]"},
    // selections and literals
    {"[*].[name, replicas]", kServices, R"([["iris",3],["digits",0],["churn",10]])"},
    {"{a: a, \"b c\": b}", R"({"a": 1, "b": 2})", R"({"a":1,"b c":2})"},
    {"missing.[a, b]", "{}", "null"},
    {"`{\"a\": [1]}`", "null", R"({"a":[1]})"},
    {"`foo`", "null", R"("foo")"},
    {"`\"a\\`b\"`", "null", R"("a`b")"},
    {"'it\\'s'", "null", R"("it's")"},
    // functions
    {"abs(@)", "-3", "3"},
    {"avg(@)", "[1, 2, 6]", "3"},
    {"avg(@)", "[]", "null"},
    {"ceil(@)", "1.2", "2"},
    {"floor(@)", "1.9", "1"},
    {"contains(@, 'b')", "[\"a\", \"b\"]", "true"},
    {"contains('foobar', 'oba')", "null", "true"},
    {"contains('foobar', `1`)", "null", "false"},
    {"ends_with(@, 'ris')", "\"iris\"", "true"},
    {"starts_with(@, 'ris')", "\"iris\"", "false"},
    {"join(', ', [*].name)", kServices, R"("iris, digits, churn")"},
    {"keys(@)", R"({"a": 1, "b": 2})", R"(["a","b"])"},
    {"values(@)", R"({"a": 1, "b": 2})", "[1,2]"},
    {"length(@)", kServices, "3"},
    {"length('Łódź')", "null", "4"},
    {"length(@)", R"({"a": 1})", "1"},
    {"map(&length(models), @)", kServices, "[2,0,1]"},
    {"max([*].replicas)", kServices, "10"},
    {"min([*].name)", kServices, R"("churn")"},
    {"max_by(@, &replicas).name", kServices, R"("churn")"},
    {"min_by(@, &replicas).name", kServices, R"("digits")"},
    {"max(@)", "[]", "null"},
    {"merge(@, `{\"b\": 3}`)", R"({"a": 1, "b": 2})", R"({"a":1,"b":3})"},
    {"not_null(x, y, a)", R"({"a": 1})", "1"},
    {"reverse(@)", "[1, 2]", "[2,1]"},
    {"reverse('aé')", "null", R"("éa")"},
    {"sort(@)", "[3, 1, 2]", "[1,2,3]"},
    {"sort_by(@, &name)[].name", kServices, R"(["churn","digits","iris"])"},
    {"sort_by(@, &state)[*].name", kServices, R"(["digits","iris","churn"])"},
    {"sum(@)", "[1, 2.5]", "3.5E0"},
    {"sum(@)", "[]", "0"},
    {"to_array(@)", "1", "[1]"},
    {"to_array(@)", "[1]", "[1]"},
    {"to_string(@)", "[1]", R"("[1]")"},
    {"to_number(@)", "\"12\"", "12"},
    {"to_number(@)", "\"x\"", "null"},
    {"type(@)", "true", R"("boolean")"},
    {"type(`1.5`)", "null", R"("number")"},
};

TEST(JmesPath, Searches) {
  for (const auto& [expression, data, wanted] : kCases)
    EXPECT_EQ(search(expression, data), wanted) << expression << " on " << data;
}

struct BadCase {
  const char* expression;
  const char* said;
};

constexpr BadCase kBad[] = {
    {"", "too early"},
    {"a.", "too early"},
    {"a b", "unexpected"},
    {"[?a", "too early"},
    {"[0", "too early"},
    {"[::0]", "step"},
    {"[1:2:3:4]", "unexpected"},
    {"{a}", "unexpected"},
    {"'open", "no closing '"},
    {"a = b", "unexpected"},
    {"#", "unexpected '#'"},
    {"foo(@)", "no function 'foo'"},
    {"\"length\"(@)", "no quotes"},
    {"length(@, @)", "takes 1"},
    {"length(`1`)", "wants string|array|object"},
    {"abs('x')", "wants number"},
    {"sum(`[1, \"a\"]`)", "wants numbers"},
    {"sort_by(`[{\"a\": 1}, {\"a\": \"x\"}]`, &a)", "all numbers or all strings"},
    {"sort_by(`[1]`, @)", "wants expression"},
    {"&a", "only for the arguments"},
    {"[99999999999999999999]", "bad number"},
    {"-", "bad number"},
    {"length(@,)", "unexpected"},
};

TEST(JmesPath, RefusesAndSaysWhy) {
  for (const auto& [expression, said] : kBad) {
    const auto answer = search(expression, "{}");
    EXPECT_NE(answer.find("error: --query: "), std::string::npos) << expression << ": " << answer;
    EXPECT_NE(answer.find(said), std::string::npos) << expression << ": " << answer;
  }
}

TEST(JmesPath, BoundsDepthAndLength) {
  EXPECT_FALSE(JmesPath::compile(std::string(5'000, '(')));
  EXPECT_FALSE(JmesPath::compile(std::string(5'000, '!') + "a"));
  EXPECT_FALSE(JmesPath::compile(std::string(JmesPath::kMaxLength + 1, 'a')));
  EXPECT_TRUE(JmesPath::compile(std::string(50, '!') + "a"));
}

}  // namespace
}  // namespace slipway::cli
