#include "api/block_list.h"

#include <algorithm>

namespace slipway::api {
namespace {

Error bad_xml(std::string what) {
  return fail(ErrorCode::invalid_argument,
              "the block list is not as documented: " + std::move(what), "InvalidXmlDocument");
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  void skip_space() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  bool take(std::string_view literal) {
    if (!rest_.starts_with(literal)) return false;
    rest_.remove_prefix(literal.size());
    return true;
  }
  std::string_view until(char stop) {
    const auto piece = rest_.substr(0, rest_.find(stop));
    rest_.remove_prefix(piece.size());
    return piece;
  }
  bool done() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

bool is_block_id(std::string_view id) {
  const auto fits = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '+' || c == '/' || c == '=' || c == '-' || c == '_';
  };
  return !id.empty() && id.size() <= 128 && std::ranges::all_of(id, fits);
}

Result<std::string> parse_item(Scanner& scan) {
  for (const std::string_view kind : {"Latest", "Uncommitted", "Committed"}) {
    if (!scan.take("<" + std::string(kind) + ">")) continue;
    const std::string id(scan.until('<'));
    if (!scan.take("</" + std::string(kind) + ">"))
      return bad_xml("<" + std::string(kind) + "> is not closed");
    if (!is_block_id(id)) return bad_xml("a block id is 1 to 128 characters of base64");
    return id;
  }
  return bad_xml("expected <Latest>id</Latest>");
}

}  // namespace

Result<std::vector<std::string>> parse_block_list(std::string_view xml) {
  Scanner scan(xml);
  (void)scan.take("\xEF\xBB\xBF");
  scan.skip_space();
  if (scan.take("<?xml")) {
    (void)scan.until('>');
    (void)scan.take(">");
  }
  scan.skip_space();
  if (!scan.take("<BlockList>")) return bad_xml("expected <BlockList>");
  std::vector<std::string> ids;
  for (scan.skip_space(); !scan.take("</BlockList>"); scan.skip_space()) {
    if (ids.size() == kMaxBlocks) return bad_xml("more than 50000 blocks");
    TRY(auto id, parse_item(scan));
    ids.push_back(std::move(id));
  }
  scan.skip_space();
  if (!scan.done()) return bad_xml("text after </BlockList>");
  return ids;
}

}  // namespace slipway::api
