// The highest counters that a CA's store ever held: what adoption and repair must not fall behind.
#pragma once

#include "ca/serial.h"
#include "durable/generation_store.h"

namespace lockstep::ca {

struct Counters {
  Serial serial = 0;      // next serial
  Serial crl_number = 0;  // next CRL number
};

// Over every generation on disk whose counters are as they were committed.
Result<Counters> highest_counters(const durable::StoreWriter& store);

}  // namespace lockstep::ca
