// The signs that a dashboard may have in the menu; the names are those of crates/dashboards.
import {
  Activity, CalendarDays, ChartLine, Flag, Gauge, Globe, House, List, Map as MapSign, Music, Trophy, User, Users,
} from '@lucide/svelte';

export const signs: Record<string, typeof Activity> = {
  activity: Activity,
  calendar: CalendarDays,
  chart: ChartLine,
  flag: Flag,
  gauge: Gauge,
  globe: Globe,
  home: House,
  list: List,
  map: MapSign,
  music: Music,
  trophy: Trophy,
  user: User,
  users: Users,
};
