// The floor of every figure in bench/: the least that an HTTP answer costs on this machine.
// One thread, one epoll, no parsing beyond the end of the request; answers 200 with a short body.
// Prints its port. Not part of the product.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_map>

namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n[0]";

// Bytes of the first request in `input`, head and body, or 0 when it is not whole.
std::size_t request_size(std::string_view input) {
  const std::size_t head = input.find("\r\n\r\n");
  if (head == input.npos) return 0;
  const std::size_t length = input.find("Content-Length: ");
  const std::size_t body =
      length < head ? std::strtoul(input.data() + length + 16, nullptr, 10) : 0;
  const std::size_t size = head + 4 + body;
  return input.size() >= size ? size : 0;
}

int listen_anywhere() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 128) != 0) exit(1);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

void watch(int epoll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

// False when the peer has gone.
bool serve(int fd, std::string& input) {
  char buffer[16384];
  const ssize_t n = read(fd, buffer, sizeof(buffer));
  if (n <= 0) return false;
  input.append(buffer, static_cast<std::size_t>(n));
  while (const std::size_t size = request_size(input)) {
    input.erase(0, size);
    if (write(fd, kAnswer.data(), kAnswer.size()) < 0) return false;
  }
  return true;
}

}  // namespace

int main() {
  const int listener = listen_anywhere();
  const int epoll = epoll_create1(0);
  watch(epoll, listener);
  std::unordered_map<int, std::string> inputs;
  epoll_event events[64];
  while (true) {
    const int count = epoll_wait(epoll, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        const int on = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (accepted >= 0) watch(epoll, accepted);
      } else if (!serve(fd, inputs[fd])) {
        inputs.erase(fd);
        close(fd);
      }
    }
  }
}
