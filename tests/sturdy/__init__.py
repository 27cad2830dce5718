"""What a daemon must withstand: full disks, exhausted limits, odd files, hostile programs, jumping clocks."""
