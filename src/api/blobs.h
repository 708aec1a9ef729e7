#pragma once
// The blob face: uploads and downloads that stream, by signed links.
#include "api/context.h"

namespace slipway::api {

// The blob subset that the client's storage library speaks: PUT (whole, block, block list), HEAD
// and GET with a range, each by a signed link. Coroutines: bytes stream between the exchange and
// the artifacts room, whose calls run on the pool. An error comes back unanswered unless `began` is
// set.
struct BlobResult {
  Result<void> result;
  bool began = false;
};
Task<Result<http::Response>> put_blob(Context& context, http::Exchange& exchange);
Task<BlobResult> get_blob(Context& context, http::Exchange& exchange, http::Headers common);

}  // namespace slipway::api
