// What is left of a CA's records in all of its generations, for repair.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "ca/counters.h"
#include "ca/index.h"
#include "durable/generation_store.h"
#include "x509/certificate.h"

namespace lockstep::ca {

struct Pair {
  std::string key_pem, certificate_pem;
  x509::Certificate certificate;
};
// The newest certificate that signed itself and a key that is proven to be its own; nothing when one of them is lost.
Result<std::optional<Pair>> salvage_pair(const durable::StoreWriter& store);

using VisitEntry = std::function<Status(const IndexEntry&)>;
// The newest generation whose index can be read to its end, with the entries that it has.
struct SalvagedIndex {
  durable::Generation generation = 0;
  UnixSeconds created_at = 0;  // of the generation; 0 where its manifest is lost
  std::function<Status(const VisitEntry&)> for_each;
};
Result<std::optional<SalvagedIndex>> salvage_index(const durable::StoreWriter& store);

// The list with the highest number that this CA signed; nothing when there is none. `number` is 0 then.
struct SalvagedCrl {
  std::optional<std::string> pem;
  Serial number = 0;
};
Result<SalvagedCrl> salvage_crl(const durable::StoreWriter& store, const x509::Certificate& authority);

// Every revocation that is recorded anywhere: in any index (of a damaged one the lines that are whole), in any list
// that the CA signed. A revocation is for ever.
Result<std::map<Serial, Revocation>> salvage_revocations(const durable::StoreWriter& store,
                                                         const x509::Certificate& authority);

}  // namespace lockstep::ca
