#pragma once
// Garbage: blobs that no model, service, artifact or environment refers to any more.
#include "artifacts/artifacts.h"
#include "base/clock.h"
#include "store/store.h"

namespace slipway::control {

inline constexpr TimeMs kCollectEveryMs = 10 * 60 * 1000;
// An upload is referred to only once its artifact is written; until then it is spared.
inline constexpr TimeMs kCollectGraceMs = 60 * 60 * 1000;

void collect_garbage(store::Store& store, artifacts::Artifacts& artifacts);

}  // namespace slipway::control
