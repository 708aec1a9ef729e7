#pragma once
// Lists by pages, and their filters.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/context.h"

namespace slipway::api {

// One page of a list, newest first.
struct Page {
  std::vector<store::Record> records;
  std::string next;  // the $skipToken of the next page; empty on the last
};

using Filter = std::function<bool(const store::Record&)>;

inline constexpr std::size_t kPageDefault = 255;
inline constexpr std::size_t kPageMax = 1000;

// Where the scan of the records begins. A filter that must have seen every newer record (the latest
// version of each name) needs the top; others go on at the token.
enum class ScanFrom { token, top };

// The page that ?count= and ?$skipToken= ask for, of records that pass `filter`.
Result<Page> list_page(const Context& context, std::string_view kind, std::string_view name_prefix,
                       ScanFrom from, const Filter& filter);

// {"value": […]} and, unless it is the last page, "nextLink" with the other parameters kept.
json::object page_body(const Context& context, json::array value, const std::string& next);

// Whether `tags` has all of "k,k2=v" (the documented filter syntax); an empty filter passes.
bool tags_match(const resources::Tags& tags, std::string_view filter);

}  // namespace slipway::api
