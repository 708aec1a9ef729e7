#pragma once
// http: HTTP/1.1 servers and clients over TCP, TLS and Unix sockets; knows no word of ours.
#include "http/client.h"
#include "http/message.h"
#include "http/server.h"
#include "http/tls.h"
