// Carries out the steps of one order (acme/order_flow.h decides them) until its certificate is downloaded.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "acme/order.h"
#include "acme/order_flow.h"
#include "agent/obtain.h"

namespace lockstep::agent {

class OrderRun {
 public:
  // `durable`: the journal is kept on disk.
  OrderRun(ObtainTools& tools, const StoredAccount& account, std::string domain, OrderJournal& journal, bool durable)
      : tools_(tools), account_(account), domain_(std::move(domain)), journal_(journal), durable_(durable) {}

  // `order` is what the server said when it was placed; nothing: it is asked. `before_finalizing` may refuse.
  Result<acme::DownloadedChain> drive(std::optional<acme::Order> order, const std::string& request_der,
                                      const std::string& preferred_chain,
                                      const std::function<Status()>& before_finalizing);
  // Takes the proofs away that are in their places.
  Status clean_up();

 private:
  Result<bool> carry_out(const acme::Step& step, const std::string& request_der,
                         const std::function<Status()>& before_finalizing);
  Status present(const acme::Step& step);
  Status respond(const acme::Step& step);
  Status finalize(const std::string& request_der, const std::function<Status()>& before_finalizing);
  Status look(std::size_t index);
  Status fetch_order();
  Status pause();
  Status note();

  ObtainTools& tools_;
  const StoredAccount& account_;
  std::string domain_;
  OrderJournal& journal_;
  bool durable_;
  acme::OrderProgress progress_;
  std::optional<std::int64_t> retry_after_;  // seconds, of the last look
  int looks_ = 0;                            // without a change since the last step
  std::chrono::milliseconds deadline_{0};
};

}  // namespace lockstep::agent
