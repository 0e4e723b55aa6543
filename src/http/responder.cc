#include "http/server.h"

namespace hearth::http {

void Responder::Target::dropped() {
  Response response;
  response.status = 500;
  send(std::move(response));
}

Responder::~Responder() {
  if (target_) {
    target_->dropped();
  }
}

Responder& Responder::operator=(Responder&& other) noexcept {
  if (this != &other) {
    const std::shared_ptr<Target> old = std::exchange(target_, std::move(other.target_));
    if (old) {
      old->dropped();
    }
  }
  return *this;
}

void Responder::send(Response&& response) {
  if (const std::shared_ptr<Target> target = std::move(target_)) {
    target->send(std::move(response));
  }
}

void Responder::begin(Response&& head) {
  if (target_) {
    target_->begin(std::move(head));
  }
}

void Responder::write(std::string_view piece, bool last) {
  const std::shared_ptr<Target> target = last ? std::move(target_) : target_;
  if (target) {
    target->write(piece, last);
  }
}

void Responder::on_gone(std::function<void()> callback) {
  if (target_) {
    target_->on_gone(std::move(callback));
  }
}

bool Responder::gone() const { return !target_ || target_->gone(); }

bool Responder::send_processing() { return target_ && target_->send_processing(); }

}  // namespace hearth::http
