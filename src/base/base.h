#pragma once
// base: Result, CHECK, clock, JSON, crypto, log, files and threads; what every room may need and
// nothing else. The one room whose headers are each a face of their own: include the one you need.
#include "base/clock.h"
#include "base/crypto.h"
#include "base/executor.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
