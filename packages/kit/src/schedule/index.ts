export { launchAgent } from './launch-agent.ts'
export {
  readScheduleInterval,
  readScheduleWindow,
  SCHEDULE_MARK,
  scheduleNameOf,
  type KitSchedule,
  type ScheduleFile,
  type ScheduleInterval,
  type ScheduleWindow,
} from './kit-schedule.ts'
export { systemdUnits } from './systemd-units.ts'
