#include <gtest/gtest.h>

#include <fstream>

#include "modelserver/onnx_runtime.h"
#include "modelserver/tensor_json.h"

namespace slipway::modelserver {
namespace {

namespace fs = std::filesystem;

std::unique_ptr<OnnxSession> session_of(const std::string& name) {
  auto session = OnnxSession::load(fs::path(SLIPWAY_TESTDATA) / (name + ".onnx"), 1);
  if (!session) ADD_FAILURE() << session.error().message;
  return session ? std::move(*session) : nullptr;
}

// The answer's text, or the refusal's.
std::string score(const OnnxSession& session, std::string body) {
  const auto input = decode_input(body, session.signature());
  if (!input) return "refused: " + input.error().message;
  const auto outputs = session.run(input->tensors, input->outputs);
  return outputs ? encode_output(*outputs, input->form) : "failed: " + outputs.error().message;
}

struct Case {
  const char* body;
  const char* answer;  // the beginning of it
};

TEST(Onnx, AnswersInTheFormOfTheQuestion) {
  const auto session = session_of("linear");
  ASSERT_TRUE(session);
  const Case cases[] = {
      {R"({"x": [[1, 2, 3]]})", R"({"y": [[4, 5]]})"},
      {R"({"data": [[1, 2, 3], [0, 0, 0.5]]})", R"({"y": [[4, 5], [0.5, 0.5]]})"},
      {R"({"inputs": {"x": [[1, 2, 3]]}})", R"({"y": [[4, 5]]})"},
      {R"({"x": [["NaN", "Infinity", 0]]})", R"({"y": [["NaN", "NaN"]]})"},
      {R"({"inputs": {"x": {"dims": ["1", 3], "dataType": 1, "floatData": [1, 2, 3]}}})",
       R"({"outputs": {"y": {"dims": ["1", "2"], "dataType": 1, "floatData": [4, 5]}}})"},
      {R"({"inputs": {"x": {"dims": [1, 3], "dataType": "FLOAT", "rawData": "AACAPwAAgD8AAIA/"}},
           "outputFilter": ["y"]})",
       R"({"outputs": {"y": {"dims": ["1", "2"], "dataType": 1, "rawData": "AAAAQAAAAEA="}}})"},
  };
  for (const auto& item : cases) EXPECT_EQ(score(*session, item.body), item.answer) << item.body;
}

TEST(Onnx, RefusesWhatDoesNotFitAndSaysWhatIsExpected) {
  const auto session = session_of("linear");
  ASSERT_TRUE(session);
  const Case cases[] = {
      {"", "refused: POST body is empty"},
      {"nope", "refused: POST body could not be decoded as JSON"},
      {"[]", "refused: POST body should be a JSON dictionary"},
      {"{\"x\": \"\xff\"}", "refused: Input cannot be decoded as UTF-8"},
      {R"({"z": 1})", "refused: the model has no input z; it expects x: float32[N, 3]"},
      {R"({})", "refused: A value is not provided for the 'x' input"},
      {R"({"x": 1})", "refused: input x has shape []"},
      {R"({"x": [[1, 2]]})",
       "refused: input x has shape [1, 2]; the model expects x: float32[N, 3]"},
      {R"({"x": [[1, 2, 3], [1, 2]]})", "refused: input x is ragged"},
      {R"({"x": [[1, 2, 3], 4]})", "refused: input x is ragged"},
      {R"({"x": [[1, 2, null]]})", "refused: input x holds null, which is no float32"},
      {R"({"x": [[1, 2, 3]], "outputFilter": ["q"]})", "refused: outputFilter names q"},
      {R"({"inputs": {"x": {"dims": [1, 3], "dataType": 7, "floatData": [1, 2, 3]}}})",
       "refused: input x has dataType 7"},
      {R"({"inputs": {"x": {"dims": [1, 3], "floatData": [1, 2]}}})",
       "refused: input x has 8 bytes of data where its dims need 12"},
      {R"({"inputs": {"x": {"dims": [9223372036854775807, 3], "floatData": [1]}}})",
       "refused: input x has 4 bytes"},
      {R"({"inputs": {"x": {"dims": [1, 3]}}})", "refused: input x has neither rawData"},
  };
  for (const auto& item : cases)
    EXPECT_EQ(score(*session, item.body).find(item.answer), 0U)
        << item.body << " → " << score(*session, item.body);
}

TEST(Onnx, CarriesEveryElementType) {
  const auto session = session_of("echo");
  ASSERT_TRUE(session);
  const std::string body =
      R"({"f64": [0.1], "i64": ["9007199254740993"], "i32": [-7.0], "u8": [255], "b": [true],
          "s": ["ü"], "f16": [0.5]})";
  EXPECT_EQ(
      score(*session, body),
      R"({"out_f64": [0.1], "out_i64": [9007199254740993], "out_i32": [-7], "out_u8": [255], )"
      R"("out_b": [true], "out_s": ["ü"], "out_f16": [0.5]})");
  EXPECT_NE(score(*session, R"({"f64": [0], "i64": [0], "i32": [0], "u8": [256], "b": [true],
                                "s": [""], "f16": [0]})")
                .find("holds 256, which is no uint8"),
            std::string::npos);
}

TEST(Onnx, WritesMapsOfClassifiers) {
  const auto session = session_of("zipmap");
  ASSERT_TRUE(session);
  EXPECT_EQ(score(*session, R"({"x": [[0.25, 0.75], [1, 0]]})"),
            R"({"probabilities": [{"no": 0.25, "yes": 0.75}, {"no": 1, "yes": 0}]})");
}

TEST(Onnx, ATextFileIsNoModel) {
  const auto file = fs::temp_directory_path() / "text.onnx";
  std::ofstream(file) << "this is no model\n";
  const auto session = OnnxSession::load(file, 1);
  fs::remove(file);
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().reason, "ModelLoadFailed");
  EXPECT_NE(session.error().message.find("text.onnx"), std::string::npos);
}

}  // namespace
}  // namespace slipway::modelserver
