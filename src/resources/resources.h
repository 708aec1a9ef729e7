#pragma once
// resources: the nouns, workspace … replica, as plain structs; their rules; RouteTable. Pure, no
// I/O.
#include "resources/nouns.h"
#include "resources/route_table.h"
#include "resources/rules.h"
