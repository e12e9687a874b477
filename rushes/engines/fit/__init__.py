"""Which open weights fit which device, with how much memory and time: told before anything is fetched or loaded."""
