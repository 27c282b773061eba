// What stands around a twin in its page (web/twins.py, assets/scripts/twins.js).
interface TwinTools {
  short(value: number, digits?: number): string;
  share(value: number): string;
  travels(
    dropped: { at: number[]; when: any }[], field: (x: number[], t: number) => number[], t: number,
  ): { now: number[]; past: number[][]; ahead: number[][] }[];
}
declare function twin(make: (given: any, first: any, tools: TwinTools) => (setting: any, own: any) => any): void;
