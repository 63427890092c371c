/** Loaded into a process of the program: its time of day is `CLOCK_SHIFT` milliseconds off. */
const shift = Number(process.env['CLOCK_SHIFT'] ?? 0)
const now = Date.now.bind(Date)
Date.now = () => now() + shift
