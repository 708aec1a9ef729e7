#pragma once
// auth: tokens signed and verified, opaque tokens hashed, roles and permissions. Pure: no I/O.
#include "auth/jwt.h"
#include "auth/roles.h"
