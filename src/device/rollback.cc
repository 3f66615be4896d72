// The identity before, live again because a person wants it.
#include "device/rotation.h"
#include "device/state.h"
#include "device/storage.h"

namespace lockstep::device {

namespace {

Status note_rollback(durable::Runtime& runtime, const std::string& root, const DeviceSettings& settings) {
  DeviceState state = TRY(load_state(runtime.files, root, settings.name));
  state.unproven = false;
  state.unproven_id.clear();
  state.request.reset();
  return save_state(runtime, root, settings.name, state);
}

}  // namespace

Status roll_back(durable::Runtime& runtime, const std::string& root, IdentityStorage& storage,
                 const DeviceSettings& settings) {
  const auto lock = TRY(lock_device(runtime, root, settings.name));
  TRY(storage.recover());
  Status rolled_back = storage.rollback();
  if (!rolled_back && rolled_back.error().code != ErrorCode::committed_not_delivered) return rolled_back;
  const Status noted = note_rollback(runtime, root, settings);
  if (noted || !rolled_back) return rolled_back;
  return fail(ErrorCode::committed_not_delivered,
              "the identity before is live again, but the state could not be written: " + noted.error().message);
}

}  // namespace lockstep::device
